//! How the databases read pages at a hundred thousand offers and as many responses.

use sea_orm::QueryTrait;
use uuid::Uuid;

use super::super::{bidders_of, newest_of};
use super::*;
use crate::db::testing::{fill as run, on_each, plan};
use crate::db::{Db, Dialect};
use crate::kernel::id::StoreId;
use crate::kernel::page::{Start, cursor};
use crate::kernel::{Clock, Time};
use crate::services::b2b::state::ResponseStatus;
use crate::services::catalog::testing::insert_store;

const NOW: Time = Time::from_micros(1_768_899_600_000_000);
const MANY: u32 = 100_000;
/// The offer that many have answered.
const POPULAR: u32 = 5;

/// The id of a kind with a number.
fn of_kind(kind: u128, number: u32) -> Uuid {
    Uuid::from_u128((kind << 112) | 0x7000_8000_0000_0000_0000 | u128::from(number))
}

/// Fills the tables by statements: of a thousand offers two are the asking seller's, of
/// ten three are over, and every second one goes to each tier.
async fn fill(db: &Db, seller: UserId, buyer: UserId) {
    let store = StoreId::new(NOW);
    insert_store(db, seller, store).await;
    let (numbers, id) = match db.dialect() {
        Dialect::Sqlite => (
            "WITH RECURSIVE numbers (n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)",
            "unhex(printf('KIND0000000070008000%012x', n))",
        ),
        Dialect::Postgres => (
            "WITH numbers (n) AS (SELECT * FROM generate_series(CAST(1 AS bigint), 100000))",
            "CAST('KIND0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
        ),
    };
    let id_of = |kind: &str| id.replace("KIND", kind);
    let other = UserId::new(NOW);
    for (user, phone) in [(other, "+213550000001"), (buyer, "+213550000002")] {
        let sql = format!(
            "INSERT INTO users (id, phone, phone_verified, email_verified, role, is_active, \
             version, created_at, updated_at) \
             VALUES ($1, '{phone}', TRUE, FALSE, 'STORE_OWNER', TRUE, 1, 0, 0)"
        );
        run(db, &sql, &[user.uuid()]).await;
    }
    let over = "n % 10 < 3";
    let offers = format!(
        "INSERT INTO b2b_offers (id, store_id, store_name, seller_id, seller_category, \
         seller_verified, store_visible, title, description, images, tags, type, target, base_price, currency, \
         min_quantity, available_quantity, initial_quantity, price_tiers, status, outcome, \
         starts_at, responses_count, bid_increment, anti_sniping, extensions, bids_count, \
         ending_told, version, created_at, updated_at, ended_at) {numbers} \
         SELECT {}, $1, 'Souk', CASE WHEN n % 1000 IN (2, 7) THEN $2 ELSE $3 END, 'IMPORTATEUR', FALSE, \
         TRUE, 'Oil', '', '[]', '[]', 'NEGOTIABLE', \
         CASE WHEN n % 2 = 0 THEN 'GROSSISTE' ELSE 'FOURNISSEUR' END, 1, 'DZD', 1, 9, 9, '[]', \
         CASE WHEN {over} THEN 'CLOSED' ELSE 'ACTIVE' END, \
         CASE WHEN {over} THEN 'CLOSED_BY_SELLER' ELSE '' END, n, 1, 1, FALSE, 0, 0, TRUE, 1, n, \
         n, CASE WHEN {over} THEN n END FROM numbers",
        id_of("0190"),
    );
    run(db, &offers, &[store.uuid(), seller.uuid(), other.uuid()]).await;
    let responses = format!(
        "INSERT INTO b2b_responses (id, offer_id, buyer_id, seller_id, number, type, status, \
         refusal, amount, quantity, message, payment_method, round, proposed_by, version, \
         created_at, updated_at) {numbers} \
         SELECT {}, {}, CASE WHEN n % 100 = 9 THEN $1 ELSE $2 END, $3, 1, 'NEGOTIATION', \
         'WITHDRAWN', '', 1, 1, '', 'COD', 1, 'BUYER', 1, n, n FROM numbers",
        id_of("0191"),
        id_of("0190"),
    );
    let seller = UserId::from(seller.uuid());
    run(db, &responses, &[buyer.uuid(), other.uuid(), seller.uuid()]).await;
    // To one of them everybody has answered.
    let crowd = format!(
        "INSERT INTO b2b_responses (id, offer_id, buyer_id, seller_id, number, type, status, \
         refusal, amount, quantity, message, payment_method, round, proposed_by, version, \
         created_at, updated_at) {numbers} \
         SELECT {}, $1, $2, $3, n + 1, 'NEGOTIATION', 'WITHDRAWN', '', 1, 1, '', 'COD', 1, \
         'BUYER', 1, n, n FROM numbers WHERE n <= 20000",
        id_of("0192"),
    );
    let popular = of_kind(0x0190, POPULAR);
    run(db, &crowd, &[popular, other.uuid(), seller.uuid()]).await;
    for table in ["b2b_offers", "b2b_responses"] {
        run(db, &format!("ANALYZE {table}"), &[]).await;
    }
}

fn assert_walks(plan: &str, index: &str) {
    assert!(plan.contains(index), "{index} is not used:\n{plan}");
    for detour in ["Sort", "Seq Scan", "TEMP B-TREE"] {
        assert!(!plan.contains(detour), "{detour} in:\n{plan}");
    }
}

async fn responses_walk(db: &Db, buyer: UserId) {
    let backend = db.read().get_database_backend();
    let responses_of = |offer, buyer, status| ResponseFilter {
        offer,
        buyer,
        status,
    };
    let offer = Some(OfferId::from(of_kind(0x0190, 6)));
    let withdrawn = Some(ResponseStatus::Withdrawn);
    for (filter, index) in [
        (responses_of(offer, None, None), "b2b_responses_offer"),
        (responses_of(None, Some(buyer), None), "b2b_responses_buyer"),
        (
            responses_of(None, Some(buyer), withdrawn),
            "b2b_responses_buyer",
        ),
    ] {
        let page = PageRequest {
            limit: 20,
            start: Start::First,
        };
        let query = responses_page(&filter, &page).unwrap();
        assert_walks(&plan(db, query.build(backend)).await, index);
    }
}

/// Of an offer that many have answered, some are found without a look at all.
async fn buyers_are_found(db: &Db, buyer: UserId) {
    let backend = db.read().get_database_backend();
    let offer = OfferId::from(of_kind(0x0190, POPULAR));
    let leader = Some(of_kind(0x0192, 9).into());
    for query in [newest_of(offer, buyer), bidders_of(offer, leader, &[buyer])] {
        let plan = plan(db, query.build(backend)).await;
        assert_walks(&plan, "b2b_responses_of_buyer");
    }
}

#[tokio::test]
async fn first_and_deep_pages_walk_an_index_at_a_hundred_thousand_offers() {
    on_each(Clock::manual(NOW), async |db| {
        let (seller, buyer) = (UserId::new(NOW), UserId::new(NOW));
        fill(&db, seller, buyer).await;
        let all = |among| OfferFilter {
            among,
            kind: None,
            status: None,
            target: None,
            seller: None,
        };
        let by = |user, tier| {
            all(Among::SeenBy(Trader {
                user,
                tier,
                is_admin: tier.is_none(),
                is_strict: false,
            }))
        };
        let of_seller = OfferFilter {
            seller: Some(seller),
            ..by(buyer, Some(SellerCategory::Fournisseur))
        };
        let mine = all(Among::Of(seller));
        let my_closed = OfferFilter {
            status: Some(OfferStatus::Closed),
            ..mine
        };
        let backend = db.read().get_database_backend();
        for (filter, index) in [
            (by(buyer, Some(SellerCategory::Grossiste)), "b2b_offers_"),
            (by(buyer, Some(SellerCategory::Fournisseur)), "b2b_offers_"),
            (
                by(seller, Some(SellerCategory::Importateur)),
                "b2b_offers_seller",
            ),
            (by(seller, None), "b2b_offers_"),
            (of_seller, "b2b_offers_"),
            (mine, "b2b_offers_seller"),
            (my_closed, "b2b_offers_seller_status"),
        ] {
            let middle = cursor(of_kind(0x0190, MANY / 2), &[]);
            for start in [Start::First, Start::After(middle)] {
                let page = PageRequest { limit: 20, start };
                let query = offers_page(&filter, &page).unwrap();
                assert_walks(&plan(&db, query.build(backend)).await, index);
                let found = offers(db.read(), &filter, &page).await.unwrap();
                assert_eq!(found.0.len(), 21, "{filter:?}");
            }
        }
        responses_walk(&db, buyer).await;
        buyers_are_found(&db, buyer).await;
    })
    .await;
}
