//! What must hold when the storm is over.

use std::collections::{BTreeMap, HashMap};

use souk::pb::souk::orders::v1::{Order, order};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::rig::{Caller, Shop, Verdict, judge};
use crate::wish::{Answer, Entry, Wish, is_replay};

/// Asks everything again with the same keys: each answer must be the one that was given
/// before, word for word, and a key must not serve another wish. This time the line to
/// `url` is good.
pub async fn ask_again(clients: Vec<Client>, url: &str) -> Vec<Client> {
    let mut again = JoinSet::new();
    for client in clients {
        let caller = client.caller.over(Caller::guest(url));
        again.spawn(async move {
            for (index, entry) in client.journal.iter().enumerate() {
                let Some(known) = entry.answer() else {
                    continue;
                };
                let answer = entry.wish.send(&caller, &entry.key).await;
                let answer = answer.unwrap_or_else(|status| panic!("{}: {status:?}", entry.key));
                assert!(is_replay(&answer), "{} did its work again", entry.key);
                assert_eq!(answer.get_ref(), known, "{} changed its answer", entry.key);
                if index % 25 == 0 {
                    let other = entry.wish.altered().send(&caller, &entry.key).await;
                    let verdict = judge(&other.expect_err("one key, two wishes"));
                    let expected = Verdict::Refused("IDEMPOTENCY_KEY_REUSED".to_owned());
                    assert_eq!(verdict, expected, "{}", entry.key);
                }
            }
            client
        });
    }
    again.join_all().await
}

/// Compares what the clients were told with what the shop has.
pub async fn compare(shop: &Shop, journal: &[&Entry]) {
    let orders = shop.orders().await;
    let by_key = orders_by_key(&orders);
    for entry in journal {
        check_outcome(entry, &by_key, &orders);
    }
    for key in by_key.keys() {
        assert!(
            journal.iter().any(|entry| entry.key == *key),
            "order {key} was never asked for"
        );
    }
    check_stock(shop, journal, &orders).await;
}

fn orders_by_key(orders: &[Order]) -> HashMap<&str, &Order> {
    let mut by_key = HashMap::new();
    for order in orders {
        let twin = by_key.insert(order.notes.as_str(), order);
        assert!(twin.is_none(), "{} has two orders", order.notes);
    }
    by_key
}

fn check_outcome(entry: &Entry, by_key: &HashMap<&str, &Order>, orders: &[Order]) {
    let key = &entry.key;
    match entry.outcome.as_ref().expect("every wish was answered") {
        Ok(Answer::Placed(placed)) => {
            let kept = by_key
                .get(key.as_str())
                .unwrap_or_else(|| panic!("{key} was acknowledged and is lost"));
            assert_eq!(kept.id, placed.order.as_ref().unwrap().id, "{key}");
        }
        Ok(Answer::Cancelled(cancelled)) => {
            let id = &cancelled.order.as_ref().unwrap().id;
            let kept = orders.iter().find(|it| it.id == *id);
            let status = kept.expect("a cancelled order stays").status();
            assert_eq!(status, order::Status::Cancelled, "{key}");
        }
        Ok(Answer::Restocked(_)) => {}
        // The client may have given up on an answer that was still on its way; `compare`
        // has shown that there is one order at most.
        Err(reason) => {
            let is_order = matches!(entry.wish, Wish::Place(_));
            assert!(is_order && reason == "OUT_OF_STOCK", "{key}: {reason}");
        }
    }
}

/// Per product: what came in is what was sold and what is left.
async fn check_stock(shop: &Shop, journal: &[&Entry], orders: &[Order]) {
    let stocks = shop.stocks().await;
    let mut came_in: BTreeMap<&str, i32> = BTreeMap::new();
    for entry in journal {
        if let (Wish::Restock(wish), Some(_)) = (&entry.wish, entry.answer()) {
            *came_in.entry(&wish.id).or_default() += wish.delta;
        }
    }
    for good in &shop.goods {
        let sold: i32 = orders
            .iter()
            .filter(|it| it.status() != order::Status::Cancelled)
            .flat_map(|it| &it.items)
            .filter(|it| it.product_id == good.product_id)
            .map(|it| it.quantity)
            .sum();
        let had = good.stock + came_in.get(good.stock_id.as_str()).unwrap_or(&0);
        let left = stocks[&good.product_id].available;
        assert!(left >= 0);
        assert_eq!(had, sold + left, "pieces of {}", good.product_id);
    }
}
