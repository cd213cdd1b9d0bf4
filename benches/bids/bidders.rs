//! The bidders of one auction.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use souk::grpc::convert::time_to_pb;
use souk::kernel::Clock;
use souk::pb::souk::auth::v1::SyncRoleRequest;
use souk::pb::souk::b2b::v1::{CreateOfferRequest, SubmitResponseRequest, offer};
use souk::pb::souk::users::v1::user::{Role, SellerCategory};
use tokio::task::JoinSet;

use crate::rig::{Caller, Shop, Verdict, crowd, judge};

const BIDDERS: usize = 64;
const HOUR: Duration = Duration::from_secs(60 * 60);

pub struct Bidders {
    people: Vec<Caller>,
    lot: String,
    /// What the next bid must be at least, as far as anybody knows.
    next: Arc<AtomicI64>,
    keys: AtomicU64,
}

impl Bidders {
    pub async fn gather(url: &str) -> Self {
        let seller = Caller::guest(url).sign_in("0550000001").await;
        become_seller(&seller, SellerCategory::Grossiste).await;
        let shop = Shop::open(seller, "Lots", &[]).await;
        let people = crowd(url, BIDDERS).await;
        for person in &people {
            become_seller(person, SellerCategory::Fournisseur).await;
        }
        let now = Clock::system().now();
        let request = CreateOfferRequest {
            store_id: shop.store_id.clone(),
            offer_type: offer::Type::Auction.into(),
            title: "A lot of bowls".to_owned(),
            description: "Made of olive wood, finished with beeswax by hand. ".repeat(6),
            base_price: 1,
            available_quantity: 10,
            starts_at: Some(time_to_pb(now)),
            ends_at: Some(time_to_pb(now + 2 * HOUR)),
            ..CreateOfferRequest::default()
        };
        let request = shop.owner.ask(request);
        let made = shop.owner.b2b().create_offer(request).await.unwrap();
        Self {
            people,
            lot: made.into_inner().offer.unwrap().id,
            next: Arc::new(AtomicI64::new(1)),
            keys: AtomicU64::default(),
        }
    }

    /// Bids `rate` times a second, each with a key of its own or without.
    pub async fn bid(&self, rate: f64, time: Duration, keyed: bool) -> Told {
        let began = Instant::now();
        let mut pace = tokio::time::interval(Duration::from_millis(2));
        let mut calls = JoinSet::new();
        let mut asked = 0;
        while began.elapsed() < time {
            pace.tick().await;
            let due = (began.elapsed().as_secs_f64() * rate) as usize;
            for nth in asked..due {
                let person = self.people[nth % self.people.len()].clone();
                let key = self.keys.fetch_add(1, Ordering::Relaxed);
                let key = keyed.then(|| format!("bid-{key}"));
                calls.spawn(bid(person, self.lot.clone(), self.next.clone(), key));
            }
            asked = due.max(asked);
        }
        let bids = calls.join_all().await;
        Told::of(bids, began.elapsed())
    }
}

async fn become_seller(caller: &Caller, tier: SellerCategory) {
    let request = SyncRoleRequest {
        role: Role::StoreOwner.into(),
        seller_category: tier.into(),
    };
    caller.auth().sync_role(caller.ask(request)).await.unwrap();
}

/// One bid: whether it was taken, and how long that took.
async fn bid(
    person: Caller,
    lot: String,
    next: Arc<AtomicI64>,
    key: Option<String>,
) -> (Result<(), String>, Duration) {
    // Everybody bids more than whoever asked before, so that most bids are taken.
    let amount = next.fetch_add(1, Ordering::SeqCst);
    let request = SubmitResponseRequest {
        offer_id: lot,
        amount,
        ..SubmitResponseRequest::default()
    };
    let request = match key {
        Some(key) => person.once(&key, request),
        None => person.ask(request),
    };
    let asked = Instant::now();
    let answer = person.b2b().submit_response(request).await;
    let took = asked.elapsed();
    let answer = answer.map(drop).map_err(|status| match judge(&status) {
        Verdict::Refused(why) | Verdict::Later(why) | Verdict::Unknown(why) => why,
    });
    (answer, took)
}

/// What a run was like.
pub struct Told {
    rate: f64,
    taken: f64,
    low: usize,
    errors: Vec<String>,
    times: Vec<Duration>,
}

impl Told {
    fn of(bids: Vec<(Result<(), String>, Duration)>, time: Duration) -> Self {
        let mut times: Vec<Duration> = bids.iter().map(|bid| bid.1).collect();
        times.sort_unstable();
        let refused = bids.iter().filter_map(|bid| bid.0.as_ref().err());
        let (low, errors): (Vec<_>, Vec<_>) =
            refused.cloned().partition(|why| why == "BID_TOO_LOW");
        let taken = bids.len() - low.len() - errors.len();
        Self {
            rate: bids.len() as f64 / time.as_secs_f64(),
            taken: taken as f64 / time.as_secs_f64(),
            low: low.len(),
            errors,
            times,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |percent: usize| self.times[(self.times.len() - 1) * percent / 100];
        write!(
            f,
            "{:.0} bids/s answered, {:.0}/s taken, {} too low, {} errors {:?}, p50 {:?}, p99 {:?}",
            self.rate,
            self.taken,
            self.low,
            self.errors.len(),
            self.errors.first(),
            at(50),
            at(99),
        )
    }
}
