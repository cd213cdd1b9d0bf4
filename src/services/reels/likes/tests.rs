//! Which wishes go together.

use proptest::prelude::*;

use super::*;

fn wish(reel: u8, user: u8, likes: bool) -> Wish {
    let id = |number: u8| uuid::Uuid::from_u128(number.into());
    Wish {
        pair: (id(reel).into(), id(user).into()),
        likes,
        audited: None,
        answer: oneshot::channel().0,
    }
}

#[test]
fn a_transaction_takes_all_wishes_until_one_contradicts_another() {
    let likes = || [wish(1, 1, true), wish(1, 2, false), wish(2, 1, false)];
    assert_eq!(together(&[]), 0);
    assert_eq!(together(&likes()), 3);
    let again = likes().into_iter().chain([wish(1, 1, true)]);
    assert_eq!(together(&again.collect::<Vec<_>>()), 4);
    let against = likes()
        .into_iter()
        .chain([wish(1, 1, false), wish(1, 3, true)]);
    assert_eq!(together(&against.collect::<Vec<_>>()), 3);
}

proptest! {
    /// Who likes what after wishes were fulfilled one by one, and in batches, is the same.
    #[test]
    fn batches_come_to_what_single_wishes_come_to(
        wishes in prop::collection::vec((0u8..3, 0u8..4, any::<bool>()), 0..60)
    ) {
        let mut single = HashSet::new();
        for (reel, user, likes) in &wishes {
            let Wish { pair, .. } = wish(*reel, *user, *likes);
            match likes {
                true => single.insert(pair),
                false => single.remove(&pair),
            };
        }
        let mut batched: HashSet<Pair> = HashSet::new();
        let wishes = wishes.iter().map(|(reel, user, likes)| wish(*reel, *user, *likes));
        let mut left: Vec<Wish> = wishes.collect();
        while !left.is_empty() {
            let rest = left.split_off(together(&left));
            prop_assert!(!left.is_empty(), "each transaction fulfils something");
            let batch = Batch::of(&left);
            for pair in &batch.unlikes {
                batched.remove(pair);
            }
            // In whatever order the two statements run.
            prop_assert!(batch.likes.iter().all(|pair| !batch.unlikes.contains(pair)));
            batched.extend(batch.likes);
            left = rest;
        }
        prop_assert_eq!(single, batched);
    }
}
