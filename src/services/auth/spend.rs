//! How many text messages a day may cost. One-time passwords for many phones from many
//! addresses pass every other limit; this one bounds the bill.

use std::time::Duration;

use super::store;
use crate::db::Tx;
use crate::kernel::{Error, Reason, Result, Time};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Counts one message; says whether it is the last of the day.
///
/// # Errors
/// OTP_RATE_LIMITED until midnight UTC when the day's messages are spent.
pub(super) async fn count(tx: &Tx, max: u32) -> Result<bool> {
    let (day, next) = day_of(tx.now());
    match store::count_message(tx, day, max).await? {
        Some(sent) => Ok(sent == i64::from(max)),
        None => Err(Error::new(
            Reason::OtpRateLimited,
            "no more one-time passwords are sent today, try again tomorrow",
        )
        .retry_after(next.since(tx.now()))),
    }
}

/// Tells operators that the day's messages are spent. The one process that sent the last
/// tells it, so it is told once.
pub(super) fn tell(max: u32) {
    tracing::error!(
        sms.daily_limit = max,
        "the text messages of today are spent: nobody signs in by phone until midnight UTC"
    );
}

/// When the day of an instant begins and when the next one does, in UTC.
fn day_of(now: Time) -> (Time, Time) {
    let length = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    let begin = Time::from_micros(now.micros().div_euclid(length) * length);
    (begin, begin + DAY)
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::db::Db;
    use crate::db::testing::on_each;
    use crate::kernel::Clock;

    #[tokio::test]
    async fn one_message_of_a_day_is_the_last_and_a_rolled_back_one_does_not_count() {
        on_each(Clock::manual(Time::from_micros(1)), async |db: Db| {
            let lost: Result<bool> = db
                .transact(|tx: Tx| async move {
                    count(&tx, 3).await?;
                    Err(Error::new(Reason::Conflict, "rolled back"))
                })
                .await;
            assert_eq!(lost.unwrap_err().reason(), Reason::Conflict);
            let send = || db.transact(|tx: Tx| async move { count(&tx, 3).await });
            let sent = join_all((0..8).map(|_| send())).await;
            let told = sent.iter().filter(|outcome| matches!(outcome, Ok(true)));
            assert_eq!(told.count(), 1);
            let refused: Vec<Error> = sent.into_iter().filter_map(Result::err).collect();
            assert_eq!(refused.len(), 5);
            for refusal in refused {
                assert_eq!(refusal.reason(), Reason::OtpRateLimited);
            }
        })
        .await;
    }

    #[test]
    fn a_day_is_from_midnight_to_midnight_utc() {
        let midnight = Time::from_micros(1_768_867_200_000_000);
        let (just_before, next) = (midnight - Duration::from_micros(1), midnight + DAY);
        assert_eq!(day_of(midnight), (midnight, next));
        assert_eq!(day_of(next - Duration::from_micros(1)), (midnight, next));
        assert_eq!(day_of(just_before), (midnight - DAY, midnight));
    }
}
