//! Lists at a hundred thousand reels, and reels that follow their videos, on every
//! database at hand.

use uuid::Uuid;

use super::life::ReelsOfFiles;
use super::list::{Among, Filter};
use super::state::Status;
use super::stats::fold;
use super::store::stats::{Deltas, Stats, count};
use super::store::{self, lists};
use super::testing::{NOW, insert_file, insert_reel, picture, shop, video};
use super::{Reel, topic};
use crate::db::testing::{fill as run, on_each, plan};
use crate::db::{Conn, Db, Dialect};
use crate::kernel::id::{MediaId, ProductId, ReelId, StoreId, UserId};
use crate::kernel::page::{PageRequest, Start, cursor};
use crate::kernel::{Clock, Result};
use crate::services::catalog::Sight;
use crate::services::media::{MediaReady, Shown};
use crate::services::users::Tiers;

const MANY: u32 = 100_000;
/// The products that they show, of each as many.
const PRODUCTS: u32 = 1_000;

async fn found(db: &Db, id: ReelId) -> Reel {
    store::find(db, id).await.unwrap().unwrap().reel
}

async fn number(db: &Db, sql: &str) -> i64 {
    let statement = db.dialect().statement(sql, []);
    let row = db.read().query_one_raw(statement).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn reels_follow_their_files_once() {
    on_each(Clock::manual(NOW), async |db| {
        let (owner, store, product) = shop(&db).await;
        let (file, own) = (video(false), unmeasured(picture()));
        insert_file(&db, owner, &file).await;
        insert_file(&db, owner, &own).await;
        let mut reel = Reel::draft(product, store, owner, "", NOW);
        reel.take_thumbnail(&own);
        reel.take_video(&file, NOW).unwrap();
        insert_reel(&db, &reel).await;
        let id = reel.reel_id();
        for _ in 0..2 {
            measured(&db, &file).await;
            let shown = found(&db, id).await;
            assert_eq!((shown.status(), shown.version), (Status::Ready, 2));
            assert_eq!(shown.thumbnail_url, file.thumbnail_url);
        }
        for _ in 0..2 {
            measured(&db, &own).await;
            let shown = found(&db, id).await;
            assert_eq!((shown.status(), shown.version), (Status::Ready, 3));
            assert_eq!(shown.thumbnail_url, own.url);
        }
        assert_eq!(number(&db, "SELECT sum(uses) FROM media").await, 2);
        let of_topic = format!("SELECT count(*) FROM events WHERE topic = '{}'", topic(id));
        assert_eq!(number(&db, &of_topic).await, 2);
        let refused = fail(&db, file.id, "too late").await;
        assert!(refused.is_err(), "what is shown does not fail");
    })
    .await;
}

#[tokio::test]
async fn a_new_picture_that_fails_leaves_the_old_one() {
    on_each(Clock::manual(NOW), async |db| {
        let (owner, store, product) = shop(&db).await;
        let [old, broken, better] = [picture(), unmeasured(picture()), unmeasured(picture())];
        let mut reel = Reel::draft(product, store, owner, "", NOW);
        reel.take_thumbnail(&old);
        reel.take_thumbnail(&broken);
        for file in [&old, &broken, &better] {
            insert_file(&db, owner, file).await;
        }
        insert_reel(&db, &reel).await;
        let id = reel.reel_id();
        for _ in 0..2 {
            fail(&db, broken.id, "is no picture").await.unwrap();
            let shown = found(&db, id).await;
            assert_eq!((shown.version, &shown.thumbnail_url), (2, &old.url));
            assert_eq!(shown.files().collect::<Vec<_>>(), [old.id]);
        }
        let mut reel = found(&db, id).await;
        reel.take_thumbnail(&better);
        let changed = &reel;
        db.transact(|tx| async move { store::save(&tx, changed).await })
            .await
            .unwrap();
        measured(&db, &better).await;
        let shown = found(&db, id).await;
        assert_eq!(shown.files().collect::<Vec<_>>(), [better.id]);
        // The old one and the broken one are free.
        assert_eq!(number(&db, "SELECT sum(uses) FROM media").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_reel_tells_why_its_video_failed() {
    on_each(Clock::manual(NOW), async |db| {
        let (owner, store, product) = shop(&db).await;
        let file = video(false);
        insert_file(&db, owner, &file).await;
        let mut reel = Reel::draft(product, store, owner, "", NOW);
        reel.take_video(&file, NOW).unwrap();
        insert_reel(&db, &reel).await;
        fail(&db, MediaId::new(NOW), "nobody's").await.unwrap();
        for _ in 0..2 {
            fail(&db, file.id, "holds no video").await.unwrap();
            let failed = found(&db, reel.reel_id()).await;
            assert_eq!((failed.status(), failed.version), (Status::Failed, 2));
            assert_eq!(failed.failure, "holds no video");
        }
    })
    .await;
}

/// The same file before anybody measured it.
fn unmeasured(file: Shown) -> Shown {
    Shown {
        is_ready: false,
        ..file
    }
}

async fn measured(db: &Db, file: &Shown) {
    let ready = &Shown {
        is_ready: true,
        ..file.clone()
    };
    db.transact(|tx| async move {
        ReelsOfFiles.hold(&tx, ready.id).await?;
        ReelsOfFiles.media_ready(&tx, ready).await
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn more_may_be_taken_back_than_was_given_since_the_last_time() {
    on_each(Clock::manual(NOW), async |db| {
        let (owner, store, product) = shop(&db).await;
        let reel = Reel::draft(product, store, owner, "", NOW);
        insert_reel(&db, &reel).await;
        let id = ReelId::from(reel.id);
        for (liked, unliked) in [(3, 0), (1, 2), (0, 2)] {
            let happened = Stats {
                liked,
                unliked,
                ..Stats::default()
            };
            let deltas = &Deltas::from([(id, happened)]);
            db.transact(|tx| async move { count(&tx, deltas).await })
                .await
                .unwrap();
            assert_eq!(fold(&db).await.unwrap(), 1);
        }
        assert_eq!(number(&db, "SELECT liked FROM reel_stats").await, 4);
        assert_eq!(number(&db, "SELECT unliked FROM reel_stats").await, 4);
    })
    .await;
}

async fn fail(db: &Db, file: MediaId, failure: &str) -> Result<()> {
    db.transact(|tx| async move { ReelsOfFiles.media_failed(&tx, file, failure).await })
        .await
}

/// Fills the tables by statements; one product in ten is not everybody's, one reel in
/// seven is hidden.
async fn fill(db: &Db) -> (UserId, StoreId, ProductId) {
    let (owner, store, product) = shop(db).await;
    let (numbers, id) = match db.dialect() {
        Dialect::Sqlite => (
            "WITH RECURSIVE numbers (n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < MANY)",
            "unhex(printf('KIND0000000070008000%012x', NUMBER))",
        ),
        Dialect::Postgres => (
            "WITH numbers (n) AS (SELECT * FROM generate_series(CAST(1 AS bigint), MANY))",
            "CAST('KIND0000-0000-7000-8000-' || lpad(to_hex(NUMBER), 12, '0') AS uuid)",
        ),
    };
    let id_of = |kind: &str, number: &str| id.replace("KIND", kind).replace("NUMBER", number);
    let up_to = |many: u32| numbers.replace("MANY", &many.to_string());
    let products = format!(
        "INSERT INTO products (id, store_id, seller_id, status, slug, name, name_key, \
         description, search_text, brand, brand_key, type, sku, price, currency, \
         min_order_quantity, images, tags, specifications, benefits, ingredients, usage, \
         delivery_note, returns_note, payment_note, in_stock, store_visible, featured, rating, \
         views, version, published_at, created_at, updated_at) {} \
         SELECT {}, $1, $2, 'ACTIVE', 'p-' || n, 'Product', 'product', '', '', '', '', '', '', 1, 'DZD', 1, \
         '[]', '[]', '{{}}', '', '', '', '', '', '', TRUE, TRUE, FALSE, 0, 0, 1, 0, n, n \
         FROM numbers",
        up_to(PRODUCTS),
        id_of("0180", "n"),
    );
    let ids = [store.uuid(), owner.uuid()];
    run(db, &products, &ids).await;
    let tiers = "UPDATE products SET tier = 'GROSSISTE' WHERE created_at % 10 = 3";
    run(db, tiers, &[]).await;
    let files = format!(
        "INSERT INTO media (id, owner_id, purpose, status, key, content_type, size, upload_id, \
         thumbnail_key, failure, uses, checked_at, expires_at, version, created_at, updated_at) \
         {} SELECT {}, $1, 'REEL_VIDEO', 'READY', 'k-' || n, '', 1, '', '', '', 1, 1, 1, 1, 1, 1 \
         FROM numbers",
        up_to(MANY),
        id_of("0170", "n"),
    );
    run(db, &files, &[owner.uuid()]).await;
    let reels = format!(
        "INSERT INTO reels (id, product_id, store_id, seller_id, status, caption, \
         video_media_id, video_url, thumbnail_url, size, failure, hidden, version, \
         published_at, created_at, updated_at) {} \
         SELECT {}, {}, $1, $2, 'READY', '', {}, 'u', '', 1, '', n % 7 = 0, 1, 1, n, n \
         FROM numbers",
        up_to(MANY),
        id_of("0190", "n"),
        id_of("0180", &format!("n % {PRODUCTS} + 1")),
        id_of("0170", "n"),
    );
    run(db, &reels, &ids).await;
    for table in ["products", "reels", "media"] {
        run(db, &format!("ANALYZE {table}"), &[]).await;
    }
    (owner, store, product)
}

#[tokio::test]
async fn first_and_deep_pages_walk_an_index_at_a_hundred_thousand_reels() {
    on_each(Clock::manual(NOW), async |db| {
        let (owner, store, _) = fill(&db).await;
        let of_kind = |kind: u128, number: u32| {
            Uuid::from_u128((kind << 112) | 0x7000_8000_0000_0000_0000 | u128::from(number))
        };
        let product = ProductId::from(of_kind(0x0180, 1));
        let out = |tiers, member| {
            let sight = Sight { tiers, member };
            Filter::all(Among::Out { sight })
        };
        let public = out(Tiers::PUBLIC, None);
        let mine = Among::OfStores {
            stores: vec![store],
            status: None,
        };
        let in_store = Filter {
            store: Some(store),
            ..public.clone()
        };
        let of_product = Filter {
            product: Some(product),
            ..public.clone()
        };
        let of_seller = Filter {
            seller: Some(owner),
            ..public.clone()
        };
        for (filter, index) in [
            (&public, "reels_newest"),
            (&out(Tiers::ALL, None), "reels_newest"),
            (&out(Tiers::PUBLIC, Some(owner)), "reels_newest"),
            (&in_store, "reels_"),
            (&of_product, "reels_product"),
            (&of_seller, "reels_"),
            (&Filter::all(mine), "reels_"),
        ] {
            let middle = cursor(of_kind(0x0190, MANY / 2), &[]);
            for start in [Start::First, Start::After(middle)] {
                let page = PageRequest { limit: 20, start };
                let plan = plan(&db, lists::page_of(db.dialect(), filter, &page).unwrap()).await;
                assert!(plan.contains(index), "{index} is not used:\n{plan}");
                for detour in [
                    "Sort",
                    "Seq Scan on products",
                    "Seq Scan on reels",
                    "TEMP B-TREE",
                    "SCAN products",
                ] {
                    assert!(!plan.contains(detour), "{detour} in:\n{plan}");
                }
                let found = lists::reels(db.read(), db.dialect(), filter, &page).await;
                assert_eq!(found.unwrap().0.len(), 21, "{filter:?} {page:?}");
            }
        }
        let file = MediaId::from(of_kind(0x0170, 1));
        let indexes = ["reels_video", "reels_next_thumbnail"];
        for (held, index) in store::statements_of_file(&db, file)
            .into_iter()
            .zip(indexes)
        {
            let plan = plan(&db, held).await;
            assert!(plan.contains(index), "{index} is not used:\n{plan}");
            assert!(!plan.contains("SCAN reels"), "{plan}");
        }
    })
    .await;
}
