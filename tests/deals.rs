//! A deal is struck once: both sides of an offer, or two buyers, act at the same moment,
//! and what comes of it is as if they had acted one after the other. Each pair of acts is
//! raced a hundred times: one wins, the other is refused for a reason that says so, and
//! what was sold is what the orders say.
//!
//! SOUK_TIER=long races a thousand times, SOUK_ROUNDS sets how often; SOUK_SEED repeats a
//! run, SOUK_TEST_DATABASE (sqlite, postgres) chooses the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod rig;

use std::future::Future;
use std::time::Duration;

use rig::{Caller, Dice, Shop, Souk, Verdict, judge, pause, setting};
use souk::pb::souk::auth::v1::SyncRoleRequest;
use souk::pb::souk::b2b::v1::offer_response::Status as Stage;
use souk::pb::souk::b2b::v1::{
    AcceptResponseRequest, CloseOfferRequest, CounterResponseRequest, CreateOfferRequest,
    GetResponseRequest, OfferResponse, SubmitResponseRequest, WithdrawResponseRequest,
};
use souk::pb::souk::orders::v1::order;
use souk::pb::souk::users::v1::user::{Role, SellerCategory};
use tokio::task::JoinSet;
use tonic::Status;

/// Tables that play at once.
const TABLES: usize = 4;
/// By how much one side may be late, in milliseconds.
const LATE: u64 = 3;
const STOCK: i32 = 1_000_000_000;

/// Two acts at the same moment.
#[derive(Debug, Clone, Copy)]
enum Pair {
    SellerAcceptsBuyerWithdraws,
    SellerAcceptsTwoOfWhomOneFits,
    TwoBuyersAcceptOfWhomOneFits,
    BuyerAcceptsSellerCounters,
    SellerAcceptsBuyerCounters,
    SellerAcceptsAndCloses,
}

const PAIRS: [Pair; 6] = [
    Pair::SellerAcceptsBuyerWithdraws,
    Pair::SellerAcceptsTwoOfWhomOneFits,
    Pair::TwoBuyersAcceptOfWhomOneFits,
    Pair::BuyerAcceptsSellerCounters,
    Pair::SellerAcceptsBuyerCounters,
    Pair::SellerAcceptsAndCloses,
];

#[tokio::test(flavor = "multi_thread")]
async fn of_two_acts_at_once_one_wins_and_the_other_is_told_why() {
    let mut dice = Dice::roll();
    let mut souk = Souk::install("deals").await;
    souk.start().await;
    let rounds = match setting("SOUK_TIER", "fast".to_owned()).as_str() {
        "fast" => 100,
        "long" => 1_000,
        other => panic!("SOUK_TIER is fast or long, not {other:?}"),
    };
    let rounds: usize = setting("SOUK_ROUNDS", rounds);
    let table = Table::lay(&souk.url()).await;
    let mut sold = 0;
    for pair in PAIRS {
        let mut playing = JoinSet::new();
        for number in 0..TABLES {
            let mut at = table.at(&souk.url(), dice.fork());
            let rounds = (rounds + number) / TABLES;
            playing.spawn(async move {
                let mut won = [0, 0];
                for _ in 0..rounds {
                    won[usize::from(!at.play(pair).await)] += 1;
                }
                (won, at.sold)
            });
        }
        let mut won = [0, 0];
        for (of_table, pieces) in playing.join_all().await {
            won = [won[0] + of_table[0], won[1] + of_table[1]];
            sold += pieces;
        }
        println!("{pair:?}: the first won {}, the second {}", won[0], won[1]);
        assert!(rounds < 100 || won.iter().all(|side| *side > 0), "no race");
    }
    table.balance(sold).await;
    souk.check();
    souk.remove().await;
}

/// What two buyers want of an offer that has enough for one.
struct Scarce {
    pieces: i32,
    wanted: i32,
    /// Why the second is refused, and where that leaves the second's response.
    refusal: &'static str,
    stage: Stage,
}

/// A seller with goods, and two buyers.
struct Table {
    shop: Shop,
    buyers: [Caller; 2],
    dice: Dice,
    /// Pieces that were sold here.
    sold: i32,
}

impl Table {
    async fn lay(url: &str) -> Self {
        let seller = trader(url, "0550000001", SellerCategory::Importateur).await;
        let first = trader(url, "0550000002", SellerCategory::Grossiste).await;
        let second = trader(url, "0550000003", SellerCategory::Grossiste).await;
        Self {
            shop: Shop::open(seller, "Dépôt", &[STOCK]).await,
            buyers: [first, second],
            dice: Dice::of(0),
            sold: 0,
        }
    }

    /// The same people over connections of their own.
    fn at(&self, url: &str, dice: Dice) -> Self {
        let [first, second] = &self.buyers;
        Self {
            shop: self.shop.at(url),
            buyers: [
                first.over(Caller::guest(url)),
                second.over(Caller::guest(url)),
            ],
            dice,
            sold: 0,
        }
    }

    /// One race on an offer of its own; whether the first of the pair won it.
    async fn play(&mut self, pair: Pair) -> bool {
        match pair {
            Pair::SellerAcceptsBuyerWithdraws => {
                let made = self.opened().await;
                let (seller, buyer) = (self.seller(), self.buyer(0));
                let won = self
                    .race(
                        (accept(&seller, &made), &["INVALID_STATUS_TRANSITION"]),
                        (withdraw(&buyer, &made), &["INVALID_STATUS_TRANSITION"]),
                    )
                    .await;
                let stage = if won {
                    Stage::Accepted
                } else {
                    Stage::Withdrawn
                };
                self.ended(&made, stage, 1).await;
                won
            }
            Pair::SellerAcceptsTwoOfWhomOneFits => {
                let scarce = self.scarce();
                let [one, two] = self.both_want(&scarce).await;
                let (seller, again) = (self.seller(), self.seller());
                self.one_of(&scarce, (&seller, &one), (&again, &two)).await
            }
            Pair::TwoBuyersAcceptOfWhomOneFits => {
                let scarce = self.scarce();
                let [one, two] = self.both_want(&scarce).await;
                let one = counter(&self.seller(), &one).await.unwrap();
                let two = counter(&self.seller(), &two).await.unwrap();
                let (first, second) = (self.buyer(0), self.buyer(1));
                self.one_of(&scarce, (&first, &one), (&second, &two)).await
            }
            Pair::BuyerAcceptsSellerCounters => {
                let made = self.opened().await;
                let (seller, buyer) = (self.seller(), self.buyer(0));
                let made = counter(&seller, &made).await.unwrap();
                self.stale(&buyer, &seller, made).await
            }
            Pair::SellerAcceptsBuyerCounters => {
                let made = self.opened().await;
                let (seller, buyer) = (self.seller(), self.buyer(0));
                self.stale(&seller, &buyer, made).await
            }
            Pair::SellerAcceptsAndCloses => {
                let made = self.opened().await;
                let (seller, again) = (self.seller(), self.seller());
                let first = (
                    accept(&seller, &made),
                    &["INVALID_STATUS_TRANSITION"] as &[_],
                );
                let second = (close(&again, &made), &["OFFER_NOT_ACTIVE"] as &[_]);
                let won = self.race(first, second).await;
                let stage = if won {
                    Stage::Accepted
                } else {
                    Stage::Rejected
                };
                self.ended(&made, stage, 1).await;
                won
            }
        }
    }

    /// One accepts the terms on the table while the other replaces them.
    async fn stale(&mut self, who: &Caller, other: &Caller, made: OfferResponse) -> bool {
        let first = (accept(who, &made), &["CONFLICT"] as &[_]);
        let second = (
            counter(other, &made),
            &["INVALID_STATUS_TRANSITION"] as &[_],
        );
        let won = self.race(first, second).await;
        let (stage, round) = match won {
            true => (Stage::Accepted, made.round),
            false => (Stage::Pending, made.round + 1),
        };
        self.ended(&made, stage, round).await;
        won
    }

    fn seller(&self) -> Caller {
        self.shop.owner.clone()
    }

    fn buyer(&self, number: usize) -> Caller {
        self.buyers[number].clone()
    }

    /// An offer of so many pieces, ten at least.
    async fn offer(&self, pieces: i32) -> String {
        let owner = &self.shop.owner;
        let request = CreateOfferRequest {
            product_id: self.shop.goods[0].product_id.clone(),
            title: "Huile 5 L".to_owned(),
            base_price: 1_000,
            min_quantity: Some(10),
            available_quantity: pieces,
            ..CreateOfferRequest::default()
        };
        let made = owner.b2b().create_offer(owner.ask(request)).await.unwrap();
        made.into_inner().offer.unwrap().id
    }

    /// Nothing is left for the second, or too little for what the second wants.
    fn scarce(&mut self) -> Scarce {
        match self.dice.chance(50) {
            true => Scarce {
                pieces: 10,
                wanted: 10,
                refusal: "INVALID_STATUS_TRANSITION",
                stage: Stage::Rejected,
            },
            false => Scarce {
                pieces: 25,
                wanted: 15,
                refusal: "QUANTITY_OUT_OF_RANGE",
                stage: Stage::Pending,
            },
        }
    }

    /// The responses of both buyers to a new offer.
    async fn both_want(&self, scarce: &Scarce) -> [OfferResponse; 2] {
        let offer = self.offer(scarce.pieces).await;
        let [one, two] = &self.buyers;
        [
            respond(one, &offer, scarce.wanted).await,
            respond(two, &offer, scarce.wanted).await,
        ]
    }

    /// A buyer's response to a new offer, for all of it.
    async fn opened(&self) -> OfferResponse {
        respond(&self.buyers[0], &self.offer(10).await, 10).await
    }

    /// Lets both act at once, one a little late; says whether the first won. Who loses must
    /// be told one of the reasons.
    async fn race<A, B>(
        &mut self,
        (first, of_first): (impl Future<Output = Result<A, Status>>, &[&str]),
        (second, of_second): (impl Future<Output = Result<B, Status>>, &[&str]),
    ) -> bool {
        let wait = Duration::from_millis(self.dice.number(0..=LATE));
        let is_first_late = self.dice.chance(50);
        let late = |is_late| async move {
            if is_late && !wait.is_zero() {
                pause(wait).await;
            }
        };
        let (first, second) = tokio::join!(
            async {
                late(is_first_late).await;
                first.await.map(drop)
            },
            async {
                late(!is_first_late).await;
                second.await.map(drop)
            }
        );
        let (won, lost, expected) = match (first, second) {
            (Ok(()), Err(lost)) => (true, lost, of_second),
            (Err(lost), Ok(())) => (false, lost, of_first),
            other => panic!("one wins and one loses: {other:?}"),
        };
        let why = match judge(&lost) {
            Verdict::Refused(why) | Verdict::Later(why) => why,
            Verdict::Unknown(why) => panic!("an answer comes: {why}"),
        };
        assert!(expected.contains(&why.as_str()), "{why}: {lost:?}");
        won
    }

    /// Demands where a response stands, and counts what it sold.
    async fn ended(&mut self, made: &OfferResponse, stage: Stage, round: i32) {
        let found = read(&self.shop.owner, made).await;
        assert_eq!((found.status(), found.round), (stage, round), "{found:?}");
        assert_eq!(stage == Stage::Accepted, !found.order_id.is_empty());
        if stage == Stage::Accepted {
            self.sold += found.quantity;
        }
    }

    /// Two responses are accepted at once, of which one can be.
    async fn one_of(
        &mut self,
        scarce: &Scarce,
        (by, one): (&Caller, &OfferResponse),
        (other, two): (&Caller, &OfferResponse),
    ) -> bool {
        let refusal = [scarce.refusal];
        let (first, second) = (accept(by, one), accept(other, two));
        let won = self.race((first, &refusal), (second, &refusal)).await;
        let (winner, loser) = if won { (one, two) } else { (two, one) };
        self.ended(winner, Stage::Accepted, winner.round).await;
        self.ended(loser, scarce.stage, loser.round).await;
        won
    }

    /// Demands that stock and orders agree on what was sold.
    async fn balance(&self, sold: i32) {
        let stocks = self.shop.stocks().await;
        let left: i32 = stocks.values().map(|it| it.available).sum();
        assert_eq!(STOCK - left, sold, "what was taken is what was sold");
        let orders = self.shop.orders().await;
        let confirmed = |order: &&souk::pb::souk::orders::v1::Order| {
            order.status() == order::Status::Confirmed && !order.offer_id.is_empty()
        };
        let ordered = orders.iter().filter(confirmed);
        let ordered: i32 = ordered.map(|order| order.items[0].quantity).sum();
        assert_eq!(ordered, sold, "what was ordered is what was sold");
    }
}

/// Somebody new in a tier.
async fn trader(url: &str, phone: &str, tier: SellerCategory) -> Caller {
    let person = Caller::guest(url).sign_in(phone).await;
    let request = SyncRoleRequest {
        role: Role::StoreOwner.into(),
        seller_category: tier.into(),
    };
    person.auth().sync_role(person.ask(request)).await.unwrap();
    // The session tells the role of its time.
    Caller::guest(url).sign_in(phone).await
}

async fn respond(by: &Caller, offer: &str, quantity: i32) -> OfferResponse {
    let request = SubmitResponseRequest {
        offer_id: offer.to_owned(),
        amount: 900,
        quantity: Some(quantity),
        ..SubmitResponseRequest::default()
    };
    let made = by.b2b().submit_response(by.ask(request)).await.unwrap();
    made.into_inner().response.unwrap()
}

async fn read(by: &Caller, made: &OfferResponse) -> OfferResponse {
    let request = GetResponseRequest {
        id: made.id.clone(),
    };
    let found = by.b2b().get_response(by.ask(request)).await.unwrap();
    found.into_inner().response.unwrap()
}

async fn accept(by: &Caller, made: &OfferResponse) -> Result<(), Status> {
    let request = AcceptResponseRequest {
        id: made.id.clone(),
        round: made.round,
    };
    by.b2b().accept_response(by.ask(request)).await.map(drop)
}

async fn withdraw(by: &Caller, made: &OfferResponse) -> Result<(), Status> {
    let request = WithdrawResponseRequest {
        id: made.id.clone(),
    };
    by.b2b().withdraw_response(by.ask(request)).await.map(drop)
}

async fn close(by: &Caller, made: &OfferResponse) -> Result<(), Status> {
    let request = CloseOfferRequest {
        id: made.offer_id.clone(),
    };
    by.b2b().close_offer(by.ask(request)).await.map(drop)
}

async fn counter(by: &Caller, made: &OfferResponse) -> Result<OfferResponse, Status> {
    let request = CounterResponseRequest {
        id: made.id.clone(),
        round: made.round,
        amount: made.amount + 10,
        ..CounterResponseRequest::default()
    };
    let answer = by.b2b().counter_response(by.ask(request)).await?;
    Ok(answer.into_inner().response.unwrap())
}
