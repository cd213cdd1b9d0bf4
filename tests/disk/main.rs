//! A disk that is full: what writes is refused and says so, what reads goes on, and when
//! there is room again everything works without anybody's help. What was answered is there,
//! what was refused happens once when it is asked for again.
//!
//! Everything lies on a small disk in memory that only this test sees filled: on SQLite the
//! database, the files and the log, on PostgreSQL the server's data too. Mounting it needs
//! root on Linux.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod disk;
#[path = "../rig/mod.rs"]
mod rig;
mod server;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use disk::Disk;
use image::ImageFormat;
use rig::{Caller, Database, Good, Kind, Shop, Souk, Verdict, judge, lines, order, samples};
use sea_orm::{ConnectionTrait, Statement};
use server::Server;
use souk::pb::souk::catalog::v1::{GetProductRequest, ListProductsRequest};
use souk::pb::souk::media::v1::UploadProductImageRequest;
use souk::pb::souk::ops::v1::CheckLivenessRequest;
use tonic::Status;

/// Orders that have to be refused before the disk counts as full for them.
const REFUSED: usize = 200;
/// Orders at the most until then.
const TRIES: usize = 20_000;
/// So many orders later the disk is filled again: a database gives back what it does not
/// need any more.
const AGAIN: usize = 50;
/// How long souk may take to work again.
const RECOVERY: Duration = Duration::from_secs(5);

/// Orders by their idempotency keys: the id of each that was answered.
type Answered = BTreeMap<String, String>;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing() {
    let is_postgres = Kind::chosen() == Kind::Postgres;
    let disk = Disk::mount(if is_postgres { 256 } else { 64 });
    let server = is_postgres.then(|| Server::start(disk.path()));
    let mut souk = install(&disk, server.as_ref()).await;
    souk.start().await;
    let owner = Caller::guest(&souk.url()).sign_in("0550000001").await;
    let shop = Shop::open(owner, "Bowl", &[1_000_000; 3]).await;
    let buyer = Caller::guest(&souk.url()).sign_in("0550000002").await;
    let good = &shop.goods[0];
    add_picture(&shop, good).await.unwrap();
    let mut answered = Answered::new();
    for number in 0..10 {
        let key = format!("before-{number}");
        let id = place(&buyer, &key, good).await.unwrap();
        answered.insert(key, id);
    }

    let refused = place_until_full(&disk, &buyer, good, &mut answered).await;
    println!(
        "{}: {} orders were answered, then {} refused",
        souk.database.kind(),
        answered.len(),
        refused.len()
    );
    read_on(&souk, &shop, is_postgres).await;
    let refusal = add_picture(&shop, good).await;
    assert!(is_away(&refusal.unwrap_err()));

    disk.make_room();
    if let Some(server) = &server {
        server.start_again();
    }
    let freed = Instant::now();
    let mut first = place(&buyer, "after", good).await;
    while first.is_err() && freed.elapsed() < RECOVERY {
        rig::pause(Duration::from_millis(50)).await;
        first = place(&buyer, "after", good).await;
    }
    answered.insert("after".to_owned(), first.unwrap());
    println!("it works again {:?} after there was room", freed.elapsed());
    add_picture(&shop, good).await.unwrap();
    settle(&souk, &shop, &buyer, answered, refused).await;
    assert!(souk.is_running(), "it was never started again");
    assert!(!souk.log_text().contains("panic"), "{}", souk.log_text());
    souk.check();
    souk.remove().await;
}

async fn install(disk: &Disk, server: Option<&Server>) -> Souk {
    let dir = tempfile::Builder::new()
        .prefix("souk-")
        .tempdir_in(disk.path())
        .unwrap();
    let database = match server {
        Some(server) => Database::create_on(server.url.clone(), &dir, "disk").await,
        None => Database::create(Kind::Sqlite, &dir, "disk").await,
    };
    Souk::over(dir, database)
}

/// Places orders on a disk that is full until so many are refused. Gives the keys of those.
async fn place_until_full(
    disk: &Disk,
    buyer: &Caller,
    good: &Good,
    answered: &mut Answered,
) -> Vec<String> {
    let mut refused = Vec::new();
    for number in 0..TRIES {
        if number % AGAIN == 0 {
            disk.fill();
        }
        let key = format!("full-{number}");
        match place(buyer, &key, good).await {
            Ok(id) => {
                answered.insert(key, id);
            }
            Err(status) => {
                assert!(is_away(&status), "{status:?}");
                refused.push(key);
            }
        }
        if refused.len() == REFUSED {
            return refused;
        }
    }
    panic!("{TRIES} orders fitted on a full disk");
}

/// Reading needs no room. A PostgreSQL that has died of the full disk answers nobody, but
/// what is cached is still answered.
async fn read_on(souk: &Souk, shop: &Shop, may_be_away: bool) {
    let guest = Caller::guest(&souk.url());
    let request = GetProductRequest {
        id: shop.goods[1].product_id.clone(),
    };
    guest.catalog().get_product(request).await.unwrap();
    let listed = guest
        .catalog()
        .list_products(ListProductsRequest::default())
        .await;
    match listed {
        Ok(answer) => assert_eq!(answer.into_inner().products.len(), shop.goods.len()),
        Err(status) => assert!(may_be_away && is_away(&status), "{status:?}"),
    }
    guest
        .ops()
        .check_liveness(CheckLivenessRequest {})
        .await
        .unwrap();
}

/// What was answered is there, once; what was refused happens now, once.
async fn settle(
    souk: &Souk,
    shop: &Shop,
    buyer: &Caller,
    mut answered: Answered,
    refused: Vec<String>,
) {
    let good = &shop.goods[0];
    for (key, id) in &answered {
        assert_eq!(place(buyer, key, good).await.unwrap(), *id, "{key}");
    }
    for key in refused {
        let id = place(buyer, &key, good).await.unwrap();
        answered.insert(key, id);
    }
    let database = souk.database.connect().await;
    let ask = async |sql: &str| {
        let sql = Statement::from_string(database.get_database_backend(), sql);
        database.query_one_raw(sql).await.unwrap().unwrap()
    };
    let orders = ask("SELECT count(*) FROM orders").await;
    let orders: i64 = orders.try_get_by_index(0).unwrap();
    assert_eq!(orders, answered.len() as i64);
    if !souk.database.is_postgres() {
        let verdict = ask("PRAGMA integrity_check").await;
        let verdict: String = verdict.try_get_by_index(0).unwrap();
        assert_eq!(verdict, "ok");
    }
    database.close().await.unwrap();
}

/// Places an order; gives its id.
async fn place(buyer: &Caller, key: &str, good: &Good) -> Result<String, Status> {
    let request = buyer.once(key, order("disk", lines([(good, 1)])));
    let placed = buyer.orders().place_order(request).await?.into_inner();
    Ok(placed.orders[0].id.clone())
}

async fn add_picture(shop: &Shop, good: &Good) -> Result<(), Status> {
    let request = UploadProductImageRequest {
        product_id: good.product_id.clone(),
        file: samples::picture(ImageFormat::Png, 256, 256),
        content_type: "image/png".to_owned(),
    };
    let mut media = shop.owner.media();
    let added = media.upload_product_image(shop.owner.ask(request)).await;
    added.map(drop)
}

/// Whether souk says that something is away, and that nothing has happened.
fn is_away(status: &Status) -> bool {
    judge(status) == Verdict::Later("UNAVAILABLE".to_owned())
}
