//! One lot: it is offered, bid for, and watched until it is over.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use souk::grpc::convert::time_to_pb;
use souk::kernel::Time;
use souk::pb::souk::b2b::v1::b2b_event::Type;
use souk::pb::souk::b2b::v1::{
    Bid, CreateOfferRequest, Offer, SubmitResponseRequest, SubmitResponseResponse,
    WatchOfferRequest, WatchOfferResponse, offer,
};

use crate::fleet::now;
use crate::market::Market;
use crate::rig::{Caller, Dice, pause, with_retries};

const BASE: i64 = 1_000;
const STEP: i64 = 10;
/// Bids of one lot that are planned; a war brings more.
const BIDS: usize = 20;
const MILLI: i64 = 1_000;

/// A lot, what its bidders were answered, and what was heard of it.
pub struct Sale {
    pub id: String,
    pub acts: Vec<Act>,
    pub heard: Heard,
}

/// A bid and its answer: the bidder's number in the auction, or a reason.
pub struct Act {
    pub amount: i64,
    pub answer: Result<i32, String>,
}

/// What one stream told.
#[derive(Default)]
pub struct Heard {
    /// Number, bidder, amount, and whether the marketplace bid.
    pub bids: Vec<(i32, i32, i64, bool)>,
    pub versions: Vec<i32>,
    pub ends: Vec<Type>,
    pub resumed: usize,
}

/// What is known of a lot while it is open.
struct Known {
    end: AtomicI64,
    next: AtomicI64,
    over: AtomicBool,
}

impl Known {
    fn see(&self, offer: &Offer) {
        let auction = offer.auction.as_ref().unwrap();
        let end = offer.ends_at.as_ref().unwrap();
        let end = end.seconds * 1_000_000 + i64::from(end.nanos) / 1_000;
        self.end.fetch_max(end, Ordering::SeqCst);
        self.next.fetch_max(auction.next_bid, Ordering::SeqCst);
        let is_open = matches!(
            offer.status(),
            offer::Status::Scheduled | offer::Status::Active
        );
        self.over.fetch_or(!is_open, Ordering::SeqCst);
    }

    fn end(&self) -> i64 {
        self.end.load(Ordering::SeqCst)
    }
}

/// Offers a lot, lets it be fought over, and waits for its end.
pub async fn hold(market: &Market, mut dice: Dice) -> Sale {
    let is_war = dice.chance(10);
    let wish = wish(market, is_war, &mut dice);
    let made = with_retries(
        || {
            let request = market.seller.once(&wish.0, wish.1.clone());
            let mut b2b = market.seller.b2b();
            async move { b2b.create_offer(request).await }
        },
        |_| {},
    );
    let offer = made.await.unwrap().into_inner().offer.unwrap();
    let known = &Known {
        end: AtomicI64::new(0),
        next: AtomicI64::new(BASE),
        over: AtomicBool::new(false),
    };
    known.see(&offer);
    market.closes_at(known.end());
    let (id, watching) = (&offer.id, watch(market, &offer.id, known, dice.fork()));
    let begins = offer.starts_at.as_ref().unwrap().seconds * 1_000_000;
    let begins = begins + i64::from(offer.starts_at.as_ref().unwrap().nanos) / 1_000;
    let bids = plan(market, begins.max(now()), known.end(), &mut dice);
    let mut bidding: Vec<futures_util::future::BoxFuture<'_, Vec<Act>>> = Vec::new();
    for bid in bids {
        bidding.push(Box::pin(
            async move { vec![bid.make(market, id, known).await] },
        ));
    }
    if is_war {
        for _ in 0..2 {
            let dice = dice.fork();
            bidding.push(Box::pin(war(market, id, known, dice)));
        }
    }
    let (heard, acts) = tokio::join!(watching, join_all(bidding));
    Sale {
        acts: acts.into_iter().flatten().collect(),
        heard,
        id: offer.id,
    }
}

/// What is offered, under which key.
fn wish(market: &Market, is_war: bool, dice: &mut Dice) -> (String, CreateOfferRequest) {
    let later = i64::from(dice.chance(30)) * 800 * MILLI;
    let start = now() + later;
    let end = start + dice.number(2_000..=5_000) as i64 * MILLI;
    let is_good = dice.chance(10);
    let request = CreateOfferRequest {
        store_id: market.store.clone(),
        product_id: if is_good {
            market.good.product_id.clone()
        } else {
            String::new()
        },
        offer_type: offer::Type::Auction.into(),
        title: "A lot of bowls".to_owned(),
        base_price: BASE,
        min_quantity: Some(1),
        available_quantity: 10,
        bid_increment: Some(STEP),
        reserve_price: dice.chance(20).then_some(BASE + 25 * STEP),
        anti_sniping: Some(is_war || dice.chance(50)),
        starts_at: Some(time_to_pb(Time::from_micros(start))),
        ends_at: Some(time_to_pb(Time::from_micros(end))),
        ..CreateOfferRequest::default()
    };
    (dice.word("lot"), request)
}

/// A bid that somebody means to make.
struct Plan {
    at: i64,
    bidder: usize,
    doors: Vec<usize>,
    more: i64,
    most: Option<i64>,
    key: String,
}

/// Half of the bids come in the last 200 ms; some are of two bidders in the same moment.
fn plan(market: &Market, start: i64, end: i64, dice: &mut Dice) -> Vec<Plan> {
    let crowd = dice.indexes(market.bidders(), 10);
    let mut plans: Vec<Plan> = Vec::with_capacity(BIDS);
    while plans.len() < BIDS {
        let is_late = plans.len().is_multiple_of(2);
        let at = match (is_late, plans.last()) {
            (_, Some(before)) if dice.chance(25) => before.at,
            (true, _) => end - dice.number(0..=200) as i64 * MILLI,
            (false, _) => dice.number(start as u64..=(end - 200 * MILLI) as u64) as i64,
        };
        // Some are sent twice, to two processes where there are two.
        let sent = if dice.chance(30) { 2 } else { 1 };
        plans.push(Plan {
            at,
            bidder: crowd[dice.index(crowd.len())],
            doors: (0..sent).map(|_| dice.index(market.doors.len())).collect(),
            more: dice.number(0..=2) as i64 * STEP,
            most: dice.chance(20).then(|| dice.number(1..=10) as i64 * STEP),
            key: dice.word("bid"),
        });
    }
    plans
}

impl Plan {
    /// Bids at its time, upon what is known of the lot then.
    async fn make(self, market: &Market, lot: &str, known: &Known) -> Act {
        pause(Duration::from_micros(
            (self.at - now()).max(0).unsigned_abs(),
        ))
        .await;
        let amount = known.next.load(Ordering::SeqCst) + self.more;
        let request = &SubmitResponseRequest {
            offer_id: lot.to_owned(),
            amount,
            max_amount: self.most.map(|most| amount + most),
            ..SubmitResponseRequest::default()
        };
        let sending = self.doors.iter().map(|door| {
            let bidder = market.bidder(self.bidder, *door);
            submit(bidder, &self.key, request)
        });
        let answers = join_all(sending).await;
        let mut taken = answers.iter().filter_map(|answer| answer.as_ref().ok());
        let first = taken.next();
        for other in taken {
            assert_eq!(Some(other), first, "one key, one answer");
        }
        if let Some(first) = first {
            known.see(first.offer.as_ref().unwrap());
        }
        let number = first.map(|taken| taken.response.as_ref().unwrap().number);
        let answer = match number {
            Some(number) => Ok(number),
            None => Err(answers.into_iter().find_map(Result::err).unwrap()),
        };
        Act { amount, answer }
    }
}

/// Bids until there is an answer.
async fn submit(
    bidder: Caller,
    key: &str,
    request: &SubmitResponseRequest,
) -> Result<SubmitResponseResponse, String> {
    let answer = with_retries(
        || {
            let request = bidder.once(key, request.clone());
            let mut b2b = bidder.b2b();
            async move { b2b.submit_response(request).await }
        },
        |_| {},
    );
    Ok(answer.await?.into_inner())
}

/// Bids again and again shortly before the end, which moves each time, until it is over.
async fn war(market: &Market, lot: &str, known: &Known, mut dice: Dice) -> Vec<Act> {
    let bidder = dice.index(market.bidders());
    let mut acts = Vec::new();
    while !known.over.load(Ordering::SeqCst) && acts.len() < 40 {
        let plan = Plan {
            at: known.end() - dice.number(20..=200) as i64 * MILLI,
            bidder,
            doors: vec![dice.index(market.doors.len())],
            more: 0,
            most: None,
            key: dice.word("war"),
        };
        let act = plan.make(market, lot, known).await;
        let is_over = act.answer.as_ref().is_err_and(|why| why != "BID_TOO_LOW");
        acts.push(act);
        if is_over {
            break;
        }
        pause(Duration::from_millis(20)).await;
    }
    acts
}

/// Watches a lot to its end, at one process after the other when one goes away.
async fn watch(market: &Market, lot: &str, known: &Known, mut dice: Dice) -> Heard {
    let mut heard = Heard::default();
    let mut token = None;
    loop {
        let door = dice.index(market.doors.len());
        let watcher = market.seller.over(Caller::alert(&market.doors[door]));
        let request = watcher.ask(WatchOfferRequest {
            id: lot.to_owned(),
            resume_token: token.clone(),
        });
        if let Ok(stream) = watcher.b2b().watch_offer(request).await {
            let mut stream = stream.into_inner();
            while let Ok(Some(message)) = stream.message().await {
                token = Some(message.resume_token.clone());
                heard.hear(&message);
                if let Some(offer) = &message.offer {
                    known.see(offer);
                }
                if known.over.load(Ordering::SeqCst) && !heard.ends.is_empty() {
                    return heard;
                }
            }
        }
        heard.resumed += 1;
        pause(Duration::from_millis(20)).await;
    }
}

impl Heard {
    fn hear(&mut self, message: &WatchOfferResponse) {
        let line = |bid: &Bid| (bid.number, bid.bidder, bid.amount, bid.automatic);
        match message.r#type() {
            Type::Heartbeat => return,
            Type::Snapshot => {
                assert!(self.versions.is_empty(), "a stream that resumes goes on");
                self.bids.extend(message.bids.iter().rev().map(line));
            }
            end @ (Type::AuctionWon | Type::OfferExpired | Type::OfferClosed) => {
                self.ends.push(end);
            }
            _ => self.bids.extend(message.bid.iter().map(line)),
        }
        self.versions
            .extend(message.offer.iter().map(|it| it.version));
    }
}
