//! Nearby stores against an oracle, and the plan of the query at 100,000 stores.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::finding::{after, first};
use super::{ALGIERS, Market, clock, store_at};
use crate::db::testing::on_each;
use crate::db::{Conn, Db, Dialect, Tx, count_statements};
use crate::kernel::Caller;
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::StoreId;
use crate::kernel::page::{PageRequest, Start};
use crate::services::stores::model::NewStore;
use crate::services::stores::store::{Disk, Nearby};

/// Places that crowd where searching is hard: a city, both poles, the date line, the ocean
/// where the grid has a pentagon.
fn places() -> impl Strategy<Value = GeoPoint> {
    let around = |latitude: f64, longitude: f64, degrees: f64| {
        (-degrees..degrees, -degrees..degrees).prop_map(move |(north, east)| {
            let longitude = longitude + east;
            GeoPoint {
                latitude: (latitude + north).clamp(-90.0, 90.0),
                longitude: (longitude + 540.0).rem_euclid(360.0) - 180.0,
            }
        })
    };
    let polar = (
        prop_oneof![89.2..=90.0_f64, -90.0..=-89.2_f64],
        -180.0..=180.0_f64,
    )
        .prop_map(|(latitude, longitude)| GeoPoint {
            latitude,
            longitude,
        });
    prop_oneof![
        3 => around(ALGIERS.latitude, ALGIERS.longitude, 0.9),
        2 => around(ALGIERS.latitude, ALGIERS.longitude, 0.05),
        2 => polar,
        2 => around(-16.8, 180.0, 0.7),
        1 => around(64.7, 10.5, 0.7),
    ]
}

fn radii() -> impl Strategy<Value = f64> {
    prop_oneof![0.1..=1.6_f64, 1.4..=13.0_f64, 11.0..=100.0_f64]
}

async fn ids(market: &Market, centre: GeoPoint, radius: f64) -> Vec<Nearby> {
    let found = market
        .stores
        .nearby(&Caller::System, centre, radius, &first(1_000))
        .await
        .unwrap();
    found.items
}

#[tokio::test]
async fn nearby_stores_are_those_that_measuring_every_store_finds() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let owner = market.user(1).await;
        let mut runner = TestRunner::deterministic();
        let mut stores: Vec<(StoreId, GeoPoint)> = Vec::new();
        for number in 0..600 {
            let place = places().new_tree(&mut runner).unwrap().current();
            let is_draft = number % 10 == 0;
            let new = NewStore {
                draft: is_draft,
                ..store_at("Magasin", place)
            };
            let store = market.open(&owner, new).await;
            if !is_draft {
                stores.push((store.id, place));
            }
        }
        let mut found_in_all = 0;
        for _ in 0..300 {
            let centre = places().new_tree(&mut runner).unwrap().current();
            let radius = radii().new_tree(&mut runner).unwrap().current();
            let found = ids(&market, centre, radius).await;
            let mut expected: Vec<StoreId> = stores
                .iter()
                .filter(|(_, place)| centre.distance_km(*place) <= radius)
                .map(|(id, _)| *id)
                .collect();
            let mut got: Vec<StoreId> = found.iter().map(|near| near.store.id).collect();
            expected.sort();
            got.sort();
            assert_eq!(got, expected, "{radius} km around {centre:?}");
            let distances: Vec<f64> = found.iter().map(Nearby::distance_km).collect();
            assert!(distances.is_sorted(), "{distances:?}");
            for near in &found {
                let measured = centre.distance_km(near.store.location);
                assert!((near.distance_km() - measured).abs() < 1e-6);
            }
            found_in_all += found.len();
        }
        assert!(
            found_in_all > 2_000,
            "the test searches where stores are: {found_in_all}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_stood_while_stores_are_opened() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let owner = market.user(1).await;
        for step in 0..10 {
            // Pairs at one place, so that the id must decide.
            let place = GeoPoint {
                latitude: ALGIERS.latitude + f64::from(step / 2) * 0.01,
                ..ALGIERS
            };
            market.open(&owner, store_at("Magasin", place)).await;
        }
        let whole = ids(&market, ALGIERS, 10.0).await;
        assert_eq!(whole.len(), 10);
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let request = after(cursor, 3);
            let nearby = market
                .stores
                .nearby(&Caller::System, ALGIERS, 10.0, &request);
            let (page, statements) = count_statements(nearby).await;
            let page = page.unwrap();
            assert_eq!(statements, 1);
            paged.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            market.open(&owner, store_at("Plus près", ALGIERS)).await;
        }
        assert_eq!(paged, whole);
        let numbered = PageRequest {
            limit: 4,
            start: Start::Number(2),
        };
        let page = market
            .stores
            .nearby(&Caller::System, ALGIERS, 10.0, &numbered)
            .await
            .unwrap();
        assert_eq!((page.items.len(), page.total), (4, Some(13)));
    })
    .await;
}

/// Copies the first thousand stores 99 times, each time under new ids.
async fn multiply(db: &Db) {
    let (id, copies) = match db.dialect() {
        Dialect::Sqlite => (
            "randomblob(16)",
            "WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < 9)",
        ),
        Dialect::Postgres => (
            "gen_random_uuid()",
            "WITH copies AS (SELECT generate_series(1, 9) AS n)",
        ),
    };
    let columns = "owner_id, status, name, name_key, description, search_text, phone, city_key, \
                   country, latitude, longitude, cell_4, cell_6, cell_8, unit_x, unit_y, unit_z, \
                   delivery_radius_km, currency, version, created_at, updated_at";
    let copy = format!(
        "INSERT INTO stores (id, address_id, {columns}) {copies} \
         SELECT {id}, {id}, {columns} FROM stores CROSS JOIN copies WHERE number <= 1000"
    );
    // In parts, each within the time that one statement has.
    for sql in ["ANALYZE"]
        .into_iter()
        .chain([copy.as_str(); 11])
        .chain(["ANALYZE"])
    {
        let run = |tx: Tx| async move { Ok(tx.conn().execute_unprepared(sql).await.map(drop)?) };
        db.transact(run).await.unwrap();
    }
}

async fn plan(db: &Db, centre: GeoPoint, radius: f64) -> String {
    let statement = Disk::new(db.dialect(), centre, radius).rows(None, &first(20));
    crate::db::testing::plan(db, statement).await
}

#[tokio::test]
async fn at_100_000_stores_the_search_reads_an_index() {
    on_each(clock(), |db| async move {
        let market = Market::new(db.clone());
        let owner = market.user(1).await;
        let mut runner = TestRunner::deterministic();
        // All over the country, and a tenth of them in the capital.
        let country = (20.0..36.0_f64, -6.0..10.0_f64);
        let capital = (36.6..36.85_f64, 2.9..3.3_f64);
        let anywhere = prop_oneof![9 => country, 1 => capital];
        for _ in 0..1_000 {
            let (latitude, longitude) = anywhere.new_tree(&mut runner).unwrap().current();
            market
                .open(
                    &owner,
                    store_at(
                        "Magasin",
                        GeoPoint {
                            latitude,
                            longitude,
                        },
                    ),
                )
                .await;
        }
        multiply(&db).await;
        for (radius, index) in [
            (1.0, "stores_cell_8"),
            (10.0, "stores_cell_6"),
            (50.0, "stores_cell_4"),
        ] {
            let plan = plan(&db, ALGIERS, radius).await;
            assert!(plan.contains(index), "{radius} km:\n{plan}");
            assert!(
                !plan.contains("Seq Scan") && !plan.contains("SCAN stores"),
                "{plan}"
            );
        }
        let page = market
            .stores
            .nearby(&Caller::System, ALGIERS, 10.0, &first(50))
            .await
            .unwrap();
        assert_eq!(page.items.len(), 50);
    })
    .await;
}
