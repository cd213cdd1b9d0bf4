//! The clients: each writes its wish down, then asks until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use souk::pb::souk::inventory::v1::{AdjustStockRequest, stock_movement::Reason};
use souk::pb::souk::orders::v1::CancelOrderRequest;
use tonic::Response;

use crate::rig::{Caller, Dice, Good, lines, order, with_retries};
use crate::wish::{Answer, Entry, Wish, is_replay};

/// What all clients and the nemesis share.
#[derive(Default)]
pub struct Traffic {
    pub over: AtomicBool,
    pub in_flight: AtomicUsize,
    pub answered: AtomicUsize,
}

/// One client with its journal.
pub struct Client {
    pub caller: Caller,
    pub dice: Dice,
    pub goods: Arc<Vec<Good>>,
    pub traffic: Arc<Traffic>,
    pub journal: Vec<Entry>,
    /// Placed and not cancelled: the order and, for a guest, the proof.
    live: Vec<(String, Option<String>)>,
}

/// Counts a call while it is on its way.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Client {
    pub fn new(caller: Caller, dice: Dice, goods: Arc<Vec<Good>>, traffic: Arc<Traffic>) -> Self {
        Self {
            caller,
            dice,
            goods,
            traffic,
            journal: Vec::new(),
            live: Vec::new(),
        }
    }

    /// Buys and cancels until the traffic is over.
    pub async fn buy(mut self) -> Self {
        while !self.traffic.over.load(Ordering::SeqCst) {
            let wish = self.next_wish();
            self.fulfil(wish).await;
        }
        self
    }

    /// Brings new goods until the traffic is over, so that there is always something to
    /// buy, though never enough.
    pub async fn restock(mut self) -> Self {
        while !self.traffic.over.load(Ordering::SeqCst) {
            let good = &self.goods[self.dice.index(self.goods.len())];
            let wish = Wish::Restock(AdjustStockRequest {
                id: good.stock_id.clone(),
                delta: self.dice.number(1..=12) as i32,
                reason: Reason::Restock.into(),
                note: None,
            });
            self.fulfil(wish).await;
        }
        self
    }

    fn next_wish(&mut self) -> Wish {
        if !self.live.is_empty() && self.dice.chance(20) {
            let (id, guest_token) = self.live.swap_remove(self.dice.index(self.live.len()));
            return Wish::Cancel(CancelOrderRequest {
                id,
                reason: None,
                guest_token,
            });
        }
        let count = self.dice.number(1..=3) as usize;
        let chosen = self.dice.indexes(self.goods.len(), count);
        let items: Vec<_> = chosen
            .into_iter()
            .map(|index| (&self.goods[index], self.dice.number(1..=3) as i32))
            .collect();
        Wish::Place(Box::new(order("", lines(items))))
    }

    /// Asks until souk answers. The key goes into the journal first, and into the note
    /// of an order, so that the audit finds the orders of each key.
    async fn fulfil(&mut self, wish: Wish) {
        let key = self.dice.word("wish");
        let wish = match wish {
            Wish::Place(mut it) => {
                it.notes = Some(key.clone());
                Wish::Place(it)
            }
            other => other,
        };
        self.journal.push(Entry::new(key, wish));
        let twins = self.dice.chance(10);
        let entry = self.journal.last_mut().unwrap();
        let mut lost = 0;
        let outcome = if twins {
            let (one, two) = (
                ask(&self.caller, &self.traffic, entry, |_| {}),
                ask(&self.caller, &self.traffic, entry, |_| {}),
            );
            match tokio::join!(one, two) {
                (Ok(one), Ok(two)) => {
                    assert_eq!(one.get_ref(), two.get_ref(), "twins of {}", entry.key);
                    assert!(is_replay(&one) || is_replay(&two), "twins of {}", entry.key);
                    Ok(one)
                }
                // A refusal leaves no record, so the second twin may still succeed.
                (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => Ok(answer),
                (refused, Err(_)) => refused,
            }
        } else {
            ask(&self.caller, &self.traffic, entry, |_| lost += 1).await
        };
        entry.lost = lost;
        entry.replayed = outcome.as_ref().is_ok_and(is_replay);
        let outcome = outcome.map(Response::into_inner);
        if let Ok(Answer::Placed(placed)) = &outcome {
            let id = placed.order.as_ref().unwrap().id.clone();
            self.live.push((id, placed.guest_token.clone()));
        }
        entry.outcome = Some(outcome);
        self.traffic.answered.fetch_add(1, Ordering::SeqCst);
    }
}

async fn ask(
    caller: &Caller,
    traffic: &Traffic,
    entry: &Entry,
    lost: impl FnMut(&str),
) -> Result<Response<Answer>, String> {
    let send = || async {
        let _in_flight = InFlight::begin(&traffic.in_flight);
        entry.wish.send(caller, &entry.key).await
    };
    with_retries(send, lost).await
}
