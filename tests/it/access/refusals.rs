//! Those who may not: refused in the way that the matrix says, and nothing changes.

use serde_json::Value;
use tonic::{Code, Status};

use super::market::{Market, told};
use super::matrix::{BARRED, Refusal, Row, Who, rows};
use super::{assert_nothing, is_open};

/// The status and the reasons that a caller is refused with.
fn expected(row: &Row, who: Who) -> (Code, &'static [&'static str]) {
    match (who, row.refusal) {
        (Who::Expired, _) => (Code::Unauthenticated, &["TOKEN_EXPIRED"]),
        (Who::Ended | Who::Suspended, _) => (Code::Unauthenticated, &["SESSION_REVOKED"]),
        (Who::Guest, _) if !is_open(row.rpc) => (Code::Unauthenticated, &["TOKEN_MISSING"]),
        (Who::Guest, Refusal::Denied) => (Code::Unauthenticated, &["TOKEN_MISSING"]),
        (who, _) if row.knowing.contains(&who) => (Code::PermissionDenied, &["FORBIDDEN"]),
        (_, Refusal::Hidden) => (
            Code::NotFound,
            &["NOT_FOUND", "PRODUCT_NOT_FOUND", "UPLOAD_NOT_FOUND"],
        ),
        (_, Refusal::Denied) => (Code::PermissionDenied, &["FORBIDDEN"]),
        (_, Refusal::Untiered) => (Code::PermissionDenied, &["NOT_A_TIER_SELLER"]),
        (_, Refusal::Unproven) => (Code::Unauthenticated, &["OTP_REQUIRED"]),
    }
}

fn problem(row: &Row, who: Who, outcome: &Result<Value, Status>) -> Option<String> {
    let Err(refused) = outcome else {
        return Some("was let in".to_owned());
    };
    let (code, reasons) = expected(row, who);
    let (given, reason, message) = told(refused);
    let right = given == code && reasons.contains(&reason.as_str());
    (!right).then(|| format!("{given:?} {reason} {message:?} instead of {code:?} {reasons:?}"))
}

#[tokio::test]
async fn who_may_not_is_refused_and_changes_nothing() {
    let market = Market::open().await;
    let mut rows_before = market.rows().await;
    let mut wrong = Vec::new();
    for row in rows() {
        for who in row.refused().chain(BARRED.iter().copied()) {
            let caller = market.person(who);
            let outcome = caller.call(row.rpc, &market.request(row, who)).await;
            let mut problems = Vec::from_iter(problem(row, who, &outcome));
            problems.extend(market.changes(&mut rows_before).await);
            if let (Err(refused), Code::NotFound) = (&outcome, expected(row, who).0) {
                let absent = caller.call(row.rpc, &market.missing(row, who)).await;
                if absent.as_ref().err().map(told) != Some(told(refused)) {
                    problems.push(format!("{refused:?} differs from absent {absent:?}"));
                }
                problems.extend(market.changes(&mut rows_before).await);
            }
            let named = problems
                .iter()
                .map(|it| format!("{} by {who:?}: {it}", row.rpc));
            wrong.extend(named);
        }
    }
    market.close().await;
    assert_nothing(&wrong);
}
