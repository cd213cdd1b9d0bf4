//! Bids on their way to the database. An auction takes one bid after the other, so bids
//! that come meanwhile queue up, and whoever is at the row of the auction takes all of them
//! along in one transaction: the time that its commit takes is what the next ones gather
//! in. Nobody is answered before the commit.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::access::{self, Trader};
use super::super::convert::{response_to_pb, shown as offer_shown};
use super::super::offer::Offer;
use super::super::respond::{Done, Wish};
use super::super::{B2b, store};
use crate::db::{Answer, Tx};
use crate::kernel::id::{OfferId, UserId};
use crate::kernel::task::to_the_end;
use crate::kernel::{Call, Error, Reason, Result};
use crate::pb::souk::b2b::v1::SubmitResponseResponse;
use crate::services::users::{self, User};

/// Bids that one transaction takes.
const BATCH: usize = 128;
/// Bids that wait for one auction at the most.
const WAITING: usize = 10_000;
/// When a caller may ask again for whom there was no room.
const AGAIN: Duration = Duration::from_secs(1);

/// What a bid is answered.
type Submitted = Result<Answer<SubmitResponseResponse>>;

/// A bid, before it is taken.
struct Bid {
    call: Call,
    trader: Trader,
    wish: Wish,
    answer: oneshot::Sender<Submitted>,
}

/// The bids of this process that wait, by auction. An auction is in it as long as somebody
/// takes its bids.
#[derive(Default)]
pub(in super::super) struct Queue(Mutex<HashMap<OfferId, VecDeque<Bid>>>);

impl Queue {
    fn all(&self) -> MutexGuard<'_, HashMap<OfferId, VecDeque<Bid>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_busy(&self, id: OfferId) -> bool {
        self.all().contains_key(&id)
    }

    /// Puts a bid at the end; whether its bringer has to see to it that bids are taken.
    fn push(&self, bid: Bid) -> Result<bool> {
        let mut all = self.all();
        let id = bid.wish.offer;
        match all.get_mut(&id) {
            Some(waiting) if waiting.len() >= WAITING => {
                let message = "too many bids at once, try again in a moment";
                Err(Error::new(Reason::Unavailable, message).retry_after(AGAIN))
            }
            Some(waiting) => {
                waiting.push_back(bid);
                Ok(false)
            }
            None => {
                all.insert(id, VecDeque::from([bid]));
                Ok(true)
            }
        }
    }

    /// The bids to be taken next, of which no two have the same key; none when nobody
    /// waits, and whoever comes then has to see to it.
    fn next(&self, id: OfferId) -> Vec<Bid> {
        let mut all = self.all();
        let Some(waiting) = all.get_mut(&id) else {
            return Vec::new();
        };
        // Who does not wait any more wants no bid.
        waiting.retain(|bid| !bid.answer.is_closed());
        let mut keys = HashSet::new();
        let mut is_twin = |bid: &Bid| {
            let key = bid.call.idempotency.as_ref();
            key.is_some_and(|wish| !keys.insert((bid.trader.user, wish.key.clone())))
        };
        let end = waiting.iter().take(BATCH).position(&mut is_twin);
        let end = end.unwrap_or(Ord::min(waiting.len(), BATCH));
        let next: Vec<Bid> = waiting.drain(..end).collect();
        if next.is_empty() {
            all.remove(&id);
        }
        next
    }
}

/// Somebody who takes the bids of an auction. When that ends with a panic, those who wait
/// learn of it, and the next one begins anew.
struct Taker(B2b, OfferId);

impl Drop for Taker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.0.queue.all().remove(&self.1);
        }
    }
}

impl B2b {
    /// Responds to an offer in a transaction of its own, or bids together with others.
    ///
    /// # Errors
    /// See the contract; UNAVAILABLE when too many bids wait.
    pub(super) async fn submit(&self, call: &Call, trader: Trader, wish: Wish) -> Submitted {
        let (db, id) = (&self.0.db, wish.offer);
        if !self.0.queue.is_busy(id) && !store::is_auction(db.read(), id).await? {
            let (trader, wish) = (&trader, &wish);
            let write = |tx: Tx| async move {
                let done = self.respond(&tx, trader, wish).await?;
                let account = users::find(tx.conn(), trader.user).await?;
                Ok(shown(trader, &done, account.as_ref()))
            };
            return db.write(call, write).await;
        }
        let (answer, mut answered) = oneshot::channel();
        let bid = Bid {
            call: call.clone(),
            trader,
            wish,
            answer,
        };
        if self.0.queue.push(bid)? {
            // Left alone once the own bid is answered: others may come for long.
            let taker = Taker(self.clone(), id);
            tokio::select! {
                biased;
                ended = to_the_end(taker.take_all()) => ended?,
                submitted = &mut answered => return submitted.map_err(Error::internal)?,
            }
        }
        answered.await.map_err(Error::internal)?
    }

    /// Takes bids in one transaction.
    async fn take_at_once(&self, id: OfferId, bids: &[Bid]) -> Result<Vec<Submitted>> {
        let take = |tx: Tx| async move { self.take_together(&tx, id, bids).await };
        self.0.db.transact(take).await
    }

    /// Takes bids together; each is answered or refused by itself.
    async fn take_together(&self, tx: &Tx, id: OfferId, bids: &[Bid]) -> Result<Vec<Submitted>> {
        // Before the auction: whoever leaves the chain holds the account first, too.
        let bidders: Vec<UserId> = bids.iter().map(|bid| bid.trader.user).collect();
        let accounts = users::hold_all(tx, &bidders).await?.into_iter();
        let accounts = accounts.map(|account| (account.user_id(), account));
        let accounts = &accounts.collect();
        let offer = store::lock(tx, id).await?;
        let calls: Vec<&Call> = bids.iter().map(|bid| &bid.call).collect();
        let answers = tx.recorded(&calls).await?;
        let fresh = bids.iter().zip(&answers);
        let fresh = fresh.filter_map(|(bid, answer)| answer.is_none().then_some(bid));
        let fresh: Vec<&Bid> = fresh.collect();
        let taken = match offer {
            Some(offer) => self.take_fresh(tx, offer, &fresh, accounts).await?,
            None => fresh.iter().map(|_| Err(access::no_offer())).collect(),
        };
        let mut taken = taken.into_iter();
        let answers = answers.into_iter().filter_map(|answer| match answer {
            Some(recorded) => Some(recorded),
            None => Some(taken.next()?.map(Answer::fresh)),
        });
        Ok(answers.collect())
    }

    /// Takes bids that were not answered before, and records their answers.
    async fn take_fresh(
        &self,
        tx: &Tx,
        offer: Offer,
        bids: &[&Bid],
        accounts: &HashMap<UserId, User>,
    ) -> Result<Vec<Result<SubmitResponseResponse>>> {
        let traders: Vec<Trader> = bids
            .iter()
            .map(|bid| bid.trader.now(accounts.get(&bid.trader.user)))
            .collect();
        let wishes = traders.iter().zip(bids.iter().map(|bid| &bid.wish));
        let done = self.bid(tx, offer, &wishes.collect::<Vec<_>>()).await?;
        let taken = bids.iter().zip(done).map(|(bid, done)| {
            let account = accounts.get(&bid.trader.user);
            Ok(shown(&bid.trader, &done?, account))
        });
        let taken: Vec<Result<_>> = taken.collect();
        let answered = bids.iter().zip(&taken);
        let answered = answered.filter_map(|(bid, taken)| Some((&bid.call, taken.as_ref().ok()?)));
        tx.record(&answered.collect::<Vec<_>>()).await?;
        Ok(taken)
    }
}

impl Taker {
    /// Takes what waits until nothing does.
    async fn take_all(self) {
        let (b2b, id) = (&self.0, self.1);
        loop {
            let bids = b2b.0.queue.next(id);
            if bids.is_empty() {
                return;
            }
            match b2b.take_at_once(id, &bids).await {
                Err(error) if bids.len() > 1 && error.reason() != Reason::Unavailable => {
                    self.take_singly(bids).await;
                }
                taken => answer_all(bids, taken),
            }
        }
    }

    /// Takes bids that could not be taken together, each in a transaction of its own: nobody
    /// pays for what another's bid runs into.
    async fn take_singly(&self, bids: Vec<Bid>) {
        for bid in bids {
            // Meanwhile some may have left.
            if !bid.answer.is_closed() {
                let bids = vec![bid];
                let taken = self.0.take_at_once(self.1, &bids).await;
                answer_all(bids, taken);
            }
        }
    }
}

/// Answers bids that were taken at once, or failed at once.
fn answer_all(bids: Vec<Bid>, taken: Result<Vec<Submitted>>) {
    let answers = taken.unwrap_or_else(|error| {
        let error = Arc::new(error);
        let failed = bids.iter().map(|_| Err(Error::shared(error.clone())));
        failed.collect()
    });
    for (bid, answer) in bids.into_iter().zip(answers) {
        // Who has left needs no answer.
        drop(bid.answer.send(answer));
    }
}

/// What a bidder or a buyer is answered.
fn shown(trader: &Trader, done: &Done, account: Option<&User>) -> SubmitResponseResponse {
    let name = account.and_then(|account| account.name.as_deref());
    let name = name.unwrap_or_default();
    SubmitResponseResponse {
        response: Some(response_to_pb(&done.response, &done.offer, name, true)),
        offer: Some(offer_shown(trader, &done.offer, Some(&done.response))),
    }
}
