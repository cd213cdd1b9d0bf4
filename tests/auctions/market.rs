//! Who sells and who bids.

use std::collections::BTreeSet;
use std::sync::Mutex;

use souk::pb::souk::auth::v1::SyncRoleRequest;
use souk::pb::souk::users::v1::user::{Role, SellerCategory};

use crate::fleet::{Fleet, now};
use crate::rig::{Caller, Good, Shop, crowd};

const BIDDERS: usize = 64;
/// Pieces of the product that some lots sell: fewer than those lots want.
const PIECES: i32 = 5;

/// The seller, the bidders, and a line to each process.
pub struct Market {
    pub seller: Caller,
    pub store: String,
    pub good: Good,
    bidders: Vec<Caller>,
    /// Where each process listens.
    pub doors: Vec<String>,
    /// When lots close that are open.
    closes: Mutex<BTreeSet<i64>>,
}

impl Market {
    pub async fn open(fleet: &Fleet) -> Self {
        let url = &fleet.urls()[0];
        let seller = Caller::guest(url).sign_in("0550000001").await;
        become_seller(&seller, SellerCategory::Grossiste).await;
        let shop = Shop::open(seller.clone(), "Lots", &[PIECES]).await;
        let bidders = crowd(url, BIDDERS).await;
        for bidder in &bidders {
            become_seller(bidder, SellerCategory::Fournisseur).await;
        }
        Self {
            seller,
            store: shop.store_id.clone(),
            good: shop.goods[0].clone(),
            bidders,
            doors: fleet.urls(),
            closes: Mutex::default(),
        }
    }

    pub fn bidders(&self) -> usize {
        self.bidders.len()
    }

    /// A bidder at the door of a process, over a connection of its own.
    pub fn bidder(&self, number: usize, door: usize) -> Caller {
        self.bidders[number].over(Caller::guest(&self.doors[door]))
    }

    /// Notes that a lot is to close.
    pub fn closes_at(&self, end: i64) {
        self.closes.lock().unwrap().insert(end);
    }

    /// How long it takes until the next lot closes, in microseconds.
    pub fn until_a_close(&self) -> i64 {
        let from = now() + 50_000;
        let closes = self.closes.lock().unwrap();
        closes.range(from..).next().map_or(0, |end| end - now())
    }
}

async fn become_seller(caller: &Caller, tier: SellerCategory) {
    let request = SyncRoleRequest {
        role: Role::StoreOwner.into(),
        seller_category: tier.into(),
    };
    caller.auth().sync_role(caller.ask(request)).await.unwrap();
}
