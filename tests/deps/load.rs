//! Steady use: a mix of calls, so many a second whether they are answered or not, each
//! with a deadline.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use image::ImageFormat;
use souk::pb::souk::auth::v1::RequestOtpRequest;
use souk::pb::souk::catalog::v1::{
    GetProductRequest, ListProductsRequest, RemoveProductImageRequest,
};
use souk::pb::souk::media::v1::UploadProductImageRequest;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Status};

use crate::rig::{Caller, Dice, Shop, Verdict, judge, lines, order, samples};

/// Calls a second.
const RATE: u32 = 100;
/// What each caller gives souk.
pub const DEADLINE: Duration = Duration::from_secs(3);
/// The reason of a call that took longer.
pub const TOO_LATE: &str = "DEADLINE_EXCEEDED";
/// When a caller gives up by itself: nothing may take that long.
const HUNG: Duration = Duration::from_secs(6);

/// A kind of call, by what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A product that is cached.
    Product,
    /// A list, read from the database.
    List,
    /// A write with an idempotency key.
    Order,
    /// A write that ends in a text message.
    SignIn,
    /// A picture that goes to the bucket, and is taken off again.
    Picture,
}

impl Class {
    pub const ALL: [Self; 5] = [
        Self::Product,
        Self::List,
        Self::Order,
        Self::SignIn,
        Self::Picture,
    ];
}

#[derive(Debug, Clone)]
pub struct Call {
    pub class: Class,
    pub began: Instant,
    pub took: Duration,
    /// The reason of a refusal, or what happened in its place.
    pub outcome: Result<(), String>,
}

/// What the callers saw.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Call>>>);

impl Log {
    /// The calls of a class that began within a time.
    pub fn of(&self, class: Class, from: Instant, until: Instant) -> Vec<Call> {
        let all = self.0.lock().unwrap();
        let wanted = |it: &&Call| it.class == class && (from..until).contains(&it.began);
        all.iter().filter(wanted).cloned().collect()
    }
}

/// Calls until `stop` fires; then waits for what is still open.
pub async fn run(callers: Vec<Caller>, shop: &Shop, log: Log, stop: CancellationToken) {
    let mut dice = Dice::fresh();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut open = JoinSet::new();
    // The last product is for pictures: what changes is not cached.
    let (pictured, goods) = shop.goods.split_last().unwrap();
    let products: Vec<String> = goods.iter().map(|it| it.product_id.clone()).collect();
    let picture = samples::picture(ImageFormat::Png, 16, 16);
    let mut number = 0;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        while open.try_join_next().is_some() {}
        number += 1;
        let class = match dice.number(1..=100) {
            1..=40 => Class::Product,
            41..=60 => Class::List,
            61..=88 => Class::Order,
            89..=97 => Class::SignIn,
            _ => Class::Picture,
        };
        let caller = callers[number % callers.len()].clone();
        let good = goods[dice.index(goods.len())].clone();
        let owner = shop.owner.over(caller.clone());
        let (pictured, picture) = (pictured.product_id.clone(), picture.clone());
        let product = products[dice.index(products.len())].clone();
        let (key, phone) = (
            dice.word("deps"),
            format!("06{:08}", dice.number(0..=99_999_999)),
        );
        let address = format!(
            "10.{}.{}.{}",
            number >> 16 & 255,
            number >> 8 & 255,
            number & 255
        );
        let address: AsciiMetadataValue = address.parse().unwrap();
        let log = log.clone();
        open.spawn(async move {
            let began = Instant::now();
            let work = async {
                match class {
                    Class::Product => {
                        let request = GetProductRequest { id: product };
                        answer(
                            caller
                                .catalog()
                                .get_product(in_time(Request::new(request)))
                                .await,
                        )
                    }
                    Class::List => {
                        let request = ListProductsRequest::default();
                        answer(
                            caller
                                .catalog()
                                .list_products(in_time(Request::new(request)))
                                .await,
                        )
                    }
                    Class::Order => {
                        let request = caller.once(&key, order("deps", lines([(&good, 1)])));
                        answer(caller.orders().place_order(in_time(request)).await)
                    }
                    Class::SignIn => {
                        let mut request = in_time(Request::new(RequestOtpRequest { phone }));
                        // Everybody comes from an address of their own.
                        request.metadata_mut().insert("x-forwarded-for", address);
                        answer(caller.auth().request_otp(request).await)
                    }
                    Class::Picture => show(&owner, pictured, picture).await,
                }
            };
            let outcome = match tokio::time::timeout(HUNG, work).await {
                Ok(outcome) => outcome,
                Err(_elapsed) => Err("never answered".to_owned()),
            };
            let took = began.elapsed();
            let call = Call {
                class,
                began,
                took,
                outcome,
            };
            log.0.lock().unwrap().push(call);
        });
    }
    while open.join_next().await.is_some() {}
}

/// Adds a picture to a product, and takes it off again.
async fn show(owner: &Caller, product: String, picture: Vec<u8>) -> Result<(), String> {
    let upload = owner.ask(UploadProductImageRequest {
        product_id: product.clone(),
        file: picture,
        content_type: "image/png".to_owned(),
    });
    let added = owner.media().upload_product_image(in_time(upload)).await;
    let image_id = added.map(|it| it.into_inner().image_id);
    let remove = owner.ask(RemoveProductImageRequest {
        id: product,
        image_id: match image_id {
            Ok(id) => id,
            Err(status) => return answer::<()>(Err(status)),
        },
    });
    answer(owner.catalog().remove_product_image(in_time(remove)).await)
}

fn in_time<T>(mut request: Request<T>) -> Request<T> {
    request.set_timeout(DEADLINE);
    request
}

fn answer<T>(answer: Result<T, Status>) -> Result<(), String> {
    match answer {
        Ok(_) => Ok(()),
        // The client's own clock may be the first.
        Err(status) if status.message() == "Timeout expired" => Err(TOO_LATE.to_owned()),
        Err(status) => Err(match judge(&status) {
            Verdict::Refused(reason) | Verdict::Later(reason) => reason,
            Verdict::Unknown(why) => why,
        }),
    }
}
