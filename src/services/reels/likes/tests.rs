//! Which wishes go together, and what becomes of those that cannot.

use proptest::prelude::*;

use super::super::Reel;
use super::super::testing::{NOW, insert_file, insert_reel, shop, video};
use super::*;
use crate::db::testing::{fill, on_each, on_postgres};
use crate::db::{Conn, Dialect};
use crate::kernel::Clock;
use crate::services::users;

/// A reel that is shown.
async fn shown(db: &Db) -> ReelId {
    let (owner, store, product) = shop(db).await;
    let file = video(true);
    insert_file(db, owner, &file).await;
    let mut reel = Reel::draft(product, store, owner, "", NOW);
    reel.take_video(&file, NOW).unwrap();
    insert_reel(db, &reel).await;
    reel.reel_id()
}

async fn person(db: &Db, number: u8) -> UserId {
    let id = UserId::from(uuid::Uuid::from_u128(number.into()));
    let sql = format!(
        "INSERT INTO users (id, phone, phone_verified, email_verified, role, is_active, version, \
         created_at, updated_at) \
         VALUES ($1, '+21355000000{number}', TRUE, FALSE, 'CUSTOMER', TRUE, 1, 0, 0)"
    );
    fill(db, &sql, &[id.uuid()]).await;
    id
}

/// Wishes of people to like a reel, and where their answers come.
fn wishes_of(reel: ReelId, people: &[UserId]) -> (Vec<Wish>, Vec<oneshot::Receiver<Result<i64>>>) {
    let wish = |user: &UserId| {
        let (answer, answered) = oneshot::channel();
        let wish = Wish {
            pair: (reel, *user),
            likes: true,
            audited: None,
            answer,
        };
        (wish, answered)
    };
    people.iter().map(wish).unzip()
}

/// Fulfils the wishes of three people of whom the second cannot like; the third has left.
async fn one_of_three_runs_into_something(db: &Db, likes: &Likes, reel: ReelId) {
    let people = [1, 2, 3].map(|number| uuid::Uuid::from_u128(number).into());
    let (wishes, answers) = wishes_of(reel, &people);
    let [first, second, third] = <[_; 3]>::try_from(answers).unwrap();
    drop(third);
    likes.fulfil_together(wishes).await;
    assert_eq!(first.await.unwrap().unwrap(), 1);
    assert!(second.await.unwrap().is_err());
    let liked = "SELECT count(*) FROM reel_likes";
    let row = db
        .read()
        .query_one_raw(db.dialect().statement(liked, []))
        .await;
    let liked: i64 = row.unwrap().unwrap().try_get_by_index(0).unwrap();
    assert_eq!(liked, 1, "who has left likes nothing");
}

#[tokio::test]
async fn nobody_pays_for_what_the_like_of_another_runs_into() {
    on_each(Clock::manual(NOW), async |db| {
        let reel = shown(&db).await;
        let (likes, _waiting) = Likes::new(db.clone(), Watched::new(db.clone()));
        for number in 1..=3 {
            person(&db, number).await;
        }
        let (db, likes) = (&db, &likes);
        if db.dialect() == Dialect::Sqlite {
            // Nobody waits for a row there, so the database itself refuses.
            let refuse = "CREATE TRIGGER in_the_way BEFORE INSERT ON reel_likes \
                 WHEN new.user_id = X'00000000000000000000000000000002' \
                 BEGIN SELECT RAISE(ABORT, 'in the way'); END";
            fill(db, refuse, &[]).await;
            return one_of_three_runs_into_something(db, likes, reel).await;
        }
        let holding = |tx: Tx| async move {
            users::lock(&tx, uuid::Uuid::from_u128(2).into()).await?;
            one_of_three_runs_into_something(db, likes, reel).await;
            Ok(())
        };
        db.transact(holding).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_reel_that_somebody_changes_is_liked_meanwhile() {
    on_postgres(Clock::manual(NOW), async |db| {
        let reel = shown(&db).await;
        let (likes, _waiting) = Likes::new(db.clone(), Watched::new(db.clone()));
        let user = person(&db, 1).await;
        let (likes, db) = (&likes, &db);
        let changing = |tx: Tx| async move {
            store::lock(&tx, reel).await?.unwrap();
            let (wishes, mut answers) = wishes_of(reel, &[user]);
            likes.fulfil_together(wishes).await;
            assert_eq!(answers.remove(0).await.unwrap().unwrap(), 1);
            Ok(())
        };
        db.transact(changing).await.unwrap();
    })
    .await;
}

fn wish(reel: u8, user: u8, likes: bool) -> Wish {
    let id = |number: u8| uuid::Uuid::from_u128(number.into());
    Wish {
        pair: (id(reel).into(), id(user).into()),
        likes,
        audited: None,
        answer: oneshot::channel().0,
    }
}

#[test]
fn a_transaction_takes_all_wishes_until_one_contradicts_another() {
    let likes = || [wish(1, 1, true), wish(1, 2, false), wish(2, 1, false)];
    assert_eq!(together(&[]), 0);
    assert_eq!(together(&likes()), 3);
    let again = likes().into_iter().chain([wish(1, 1, true)]);
    assert_eq!(together(&again.collect::<Vec<_>>()), 4);
    let against = likes()
        .into_iter()
        .chain([wish(1, 1, false), wish(1, 3, true)]);
    assert_eq!(together(&against.collect::<Vec<_>>()), 3);
}

proptest! {
    /// Who likes what after wishes were fulfilled one by one, and in batches, is the same.
    #[test]
    fn batches_come_to_what_single_wishes_come_to(
        wishes in prop::collection::vec((0u8..3, 0u8..4, any::<bool>()), 0..60)
    ) {
        let mut single = HashSet::new();
        for (reel, user, likes) in &wishes {
            let Wish { pair, .. } = wish(*reel, *user, *likes);
            match likes {
                true => single.insert(pair),
                false => single.remove(&pair),
            };
        }
        let mut batched: HashSet<Pair> = HashSet::new();
        let wishes = wishes.iter().map(|(reel, user, likes)| wish(*reel, *user, *likes));
        let mut left: Vec<Wish> = wishes.collect();
        while !left.is_empty() {
            let rest = left.split_off(together(&left));
            prop_assert!(!left.is_empty(), "each transaction fulfils something");
            let batch = Batch::of(&left);
            for pair in &batch.unlikes {
                batched.remove(pair);
            }
            // In whatever order the two statements run.
            prop_assert!(batch.likes.iter().all(|pair| !batch.unlikes.contains(pair)));
            batched.extend(batch.likes);
            left = rest;
        }
        prop_assert_eq!(single, batched);
    }
}
