//! Tokens that follow one another.

use super::*;

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let clock = clock();
    on_each(clock.clone(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (_, first) = desk.sign_in(AMINA).await;
        let second = desk.refresh(first.refresh.expose()).await.unwrap();
        assert_ne!(first.refresh.expose(), second.refresh.expose());
        assert_eq!(desk.reason_for(&second.access).await, None);
        clock.advance(Duration::from_secs(31));
        let reused = desk.refresh(first.refresh.expose()).await;
        assert_eq!(reason(reused), Some(Reason::RefreshReused));
        assert_eq!(
            desk.reason_for(&second.access).await,
            Some(Reason::SessionRevoked)
        );
        let innocent = desk.refresh(second.refresh.expose()).await;
        assert_eq!(reason(innocent), Some(Reason::SessionRevoked));
        assert_eq!(number(&db, ACTIVE).await, 0);
        assert_eq!(number(&db, WORKING_TOKENS).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_given_again_until_its_token_is_used() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (_, first) = desk.sign_in(AMINA).await;
        let lost = desk.refresh(first.refresh.expose()).await.unwrap();
        let again = desk.refresh(first.refresh.expose()).await.unwrap();
        assert_eq!(lost.refresh.expose(), again.refresh.expose());
        assert_eq!(number(&db, WORKING_TOKENS).await, 1);
        desk.refresh(again.refresh.expose()).await.unwrap();
        let late = desk.refresh(first.refresh.expose()).await;
        assert_eq!(reason(late), Some(Reason::RefreshReused));
    })
    .await;
}

#[tokio::test]
async fn fifty_refreshes_at_once_leave_one_chain() {
    on_each(clock(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (_, first) = desk.sign_in(AMINA).await;
        let answers = join_all((0..50).map(|_| desk.refresh(first.refresh.expose()))).await;
        let tokens: Vec<String> = answers
            .into_iter()
            .map(|answer| answer.unwrap().refresh.expose().to_owned())
            .collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!(number(&db, "SELECT count(*) FROM refresh_tokens").await, 2);
        assert_eq!(number(&db, WORKING_TOKENS).await, 1);
        assert!(desk.refresh(&tokens[0]).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_often_it_is_renewed() {
    let clock = clock();
    on_each(clock.clone(), async |db: Db| {
        let desk = desk(&db, SessionPolicy::Single);
        let (_, pair) = desk.sign_in(AMINA).await;
        clock.advance(SESSION_TTL - Duration::from_secs(60));
        let renewed = desk.refresh(pair.refresh.expose()).await.unwrap();
        clock.advance(Duration::from_secs(60));
        let late = desk.refresh(renewed.refresh.expose()).await;
        assert_eq!(reason(late), Some(Reason::TokenExpired));
        assert_eq!(
            desk.reason_for(&renewed.access).await,
            Some(Reason::SessionRevoked)
        );
        assert_eq!(
            reason(desk.refresh("nonsense").await),
            Some(Reason::TokenInvalid)
        );
    })
    .await;
}
