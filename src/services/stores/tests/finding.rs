//! Searching, and one's own stores.

use super::{ALGIERS, Market, clock, store_at};
use crate::db::count_statements;
use crate::db::testing::on_each;
use crate::kernel::Caller;
use crate::kernel::page::{PageRequest, Start};
use crate::kernel::text::fold;
use crate::kernel::wilaya::Wilaya;
use crate::services::stores::model::{NewStore, Store};
use crate::services::stores::store::Search;

pub(super) fn first(limit: u64) -> PageRequest {
    PageRequest {
        limit,
        start: Start::First,
    }
}

pub(super) fn after(cursor: Option<Vec<u8>>, limit: u64) -> PageRequest {
    PageRequest {
        limit,
        start: cursor.map_or(Start::First, Start::After),
    }
}

fn numbered(number: u32, limit: u64) -> PageRequest {
    PageRequest {
        limit,
        start: Start::Number(number),
    }
}

fn in_city(name: &str, description: &str, city: &str, wilaya: &str) -> NewStore {
    let mut new = store_at(name, ALGIERS);
    new.description = description.to_owned();
    new.address.city = Some(city.to_owned());
    new.address.wilaya = Wilaya::find(wilaya);
    new
}

fn names(stores: &[Store]) -> Vec<&str> {
    stores.iter().map(|store| store.name.as_str()).collect()
}

#[tokio::test]
async fn a_search_matches_words_city_and_wilaya_in_any_spelling() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let owner = market.user(1).await;
        for new in [
            in_city("Épicerie du Port", "Fruits et légumes", "Béjaïa", "06"),
            in_city("Bijoux d'Or", "Bagues, colliers", "Alger", "16"),
            in_city(
                "Atlas Électronique",
                "Téléphones et cafetières",
                "Alger",
                "16",
            ),
            in_city("Café Tlemcen", "Café moulu", "Tlemcen", "13"),
            NewStore {
                draft: true,
                ..in_city("Café caché", "", "Alger", "16")
            },
        ] {
            market.open(&owner, new).await;
        }
        let all = [
            "Atlas Électronique",
            "Bijoux d'Or",
            "Café Tlemcen",
            "Épicerie du Port",
        ];
        let cases: [(&str, &str, &str, &[&str]); 9] = [
            ("", "", "", &all),
            ("LEGUMES", "", "", &["Épicerie du Port"]),
            ("cafe", "", "", &["Atlas Électronique", "Café Tlemcen"]),
            ("café moulu", "", "", &["Café Tlemcen"]),
            ("cafe \"moulu* OR -x", "", "", &[]),
            ("d'or", "", "", &["Bijoux d'Or"]),
            ("", "bejaia", "", &["Épicerie du Port"]),
            ("", "", "الجزائر", &["Atlas Électronique", "Bijoux d'Or"]),
            ("cafe", "ALGER", "16", &["Atlas Électronique"]),
        ];
        for (words, city, wilaya, expected) in cases {
            let search = Search {
                words: fold(words),
                city: Some(fold(city)).filter(|city| !city.is_empty()),
                wilaya: Wilaya::find(wilaya).map(|wilaya| wilaya.code),
            };
            let (found, statements) =
                count_statements(market.stores.search(&Caller::System, &search, &first(20))).await;
            assert_eq!(
                names(&found.unwrap().items),
                expected,
                "{words} {city} {wilaya}"
            );
            assert_eq!(statements, 1);
        }
    })
    .await;
}

#[tokio::test]
async fn pages_by_token_and_by_number_show_each_store_once() {
    on_each(clock(), |db| async move {
        let market = Market::new(db);
        let owner = market.user(1).await;
        for number in 0..7 {
            // Equal names, so that the id must decide.
            market
                .open(&owner, store_at(["Atlas", "Aurès"][number % 2], ALGIERS))
                .await;
        }
        let search = Search::default();
        let whole = market
            .stores
            .search(&Caller::System, &search, &first(100))
            .await
            .unwrap()
            .items;
        assert_eq!(whole.len(), 7);
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = market
                .stores
                .search(&Caller::System, &search, &after(cursor, 3))
                .await
                .unwrap();
            paged.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            // What is added before the place where the list stands does not disturb it.
            market.open(&owner, store_at("Aaa", ALGIERS)).await;
        }
        assert_eq!(paged, whole);
        let page = market
            .stores
            .search(&Caller::System, &search, &numbered(2, 4))
            .await
            .unwrap();
        assert_eq!((page.items.len(), page.total), (4, Some(9)));

        let user = owner.user().unwrap();
        let mine = market.stores.mine(user, &first(5)).await.unwrap();
        assert!(mine.items.is_sorted_by(|a, b| a.id > b.id));
        let rest = market
            .stores
            .mine(user, &after(mine.next, 5))
            .await
            .unwrap();
        assert_eq!((mine.items.len(), rest.items.len()), (5, 4));
        let page = market.stores.mine(user, &numbered(1, 5)).await.unwrap();
        assert_eq!(page.total, Some(9));
    })
    .await;
}
