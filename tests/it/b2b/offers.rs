//! Offers: made, changed, ended and deleted by their sellers.

use std::time::Duration;

use image::ImageFormat;
use serde_json::json;
use souk::grpc::convert::time_to_pb;
use souk::pb::souk::b2b::v1::offer::{Outcome, Status};
use souk::pb::souk::b2b::v1::{
    CreateOfferRequest, DeleteOfferRequest, PriceTier, UpdateOfferRequest, offer, offer_response,
};
use souk::pb::souk::stores::v1::PauseStoreRequest;
use souk::pb::souk::users::v1::user::SellerCategory;

use super::talk::{faults, refusal};
use crate::support::samples;
use crate::support::traders::{Traders, auction, negotiable};
use crate::support::{Client, TestApp};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Twice that is shorter than a session.
const SPAN: Duration = Duration::from_secs(5 * 60);

async fn make(by: &Client, request: CreateOfferRequest) -> Result<offer::Status, tonic::Status> {
    let made = by.b2b().create_offer(request).await?.into_inner();
    Ok(made.offer.unwrap().status())
}

async fn delete(by: &Client, id: &str) -> Result<(), tonic::Status> {
    let request = DeleteOfferRequest { id: id.into() };
    by.b2b().delete_offer(request).await.map(drop)
}

fn tier(min_quantity: i32, unit_price: i64) -> PriceTier {
    PriceTier {
        min_quantity,
        unit_price,
    }
}

#[tokio::test]
async fn an_offer_is_made_to_the_next_tier() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.importateur;
    let verify = json!({"id": seller.client.user_id}).to_string();
    let verified = traders
        .admin
        .call("UserService/VerifySeller", &verify)
        .await;
    verified.unwrap();
    let made = seller
        .client
        .offer(CreateOfferRequest {
            price_tiers: vec![tier(20, 900), tier(50, 800)],
            ..negotiable()
        })
        .await;
    assert_eq!(made.status(), Status::Active);
    assert_eq!(made.target_category(), SellerCategory::Grossiste);
    assert_eq!(made.seller_category(), SellerCategory::Importateur);
    assert!(made.seller_verified);
    assert_eq!(made.store_id, seller.store);
    assert_eq!(made.seller_id, seller.client.user_id);
    assert_eq!(made.currency, "DZD");
    assert_eq!((made.available_quantity, made.initial_quantity), (100, 100));
    assert_eq!((made.version, made.responses_count), (1, 0));
    assert_eq!(made.price_tiers.len(), 2);
    assert_eq!(made.outcome(), Outcome::Unspecified);
    let seen = traders.grossiste.client.offer_of(&made.id).await.unwrap();
    assert_eq!((seen.title, seen.version), (made.title, 1));
    let skipped = CreateOfferRequest {
        target_category: SellerCategory::Fournisseur.into(),
        ..negotiable()
    };
    let skipped = seller.client.offer(skipped).await;
    assert_eq!(skipped.target_category(), SellerCategory::Fournisseur);
    let wrong = CreateOfferRequest {
        target_category: SellerCategory::Importateur.into(),
        ..negotiable()
    };
    for (by, request, why) in [
        (&seller.client, wrong, "TIER_CANNOT_TARGET"),
        (
            &traders.fournisseur.client,
            negotiable(),
            "TIER_CANNOT_TARGET",
        ),
        (&traders.customer, negotiable(), "NOT_A_TIER_SELLER"),
        (&traders.admin, negotiable(), "FORBIDDEN"),
    ] {
        assert_eq!(refusal(make(by, request).await), why);
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn every_fault_of_an_offer_is_named() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.importateur.client;
    let now = app.clock.now();
    let before = app.rows().await;
    let cases: Vec<(CreateOfferRequest, Vec<&str>)> = vec![
        (
            CreateOfferRequest {
                title: "ab".into(),
                base_price: 0,
                min_quantity: Some(0),
                available_quantity: 0,
                ..negotiable()
            },
            vec!["title", "basePrice", "minQuantity", "availableQuantity"],
        ),
        (
            CreateOfferRequest {
                available_quantity: 9,
                ..negotiable()
            },
            vec!["availableQuantity"],
        ),
        (
            CreateOfferRequest {
                price_tiers: vec![tier(10, 900)],
                ..negotiable()
            },
            vec!["priceTiers[0].minQuantity"],
        ),
        (
            CreateOfferRequest {
                price_tiers: vec![tier(20, 1_000)],
                ..negotiable()
            },
            vec!["priceTiers[0].unitPrice"],
        ),
        (
            CreateOfferRequest {
                price_tiers: vec![tier(20, 900), tier(101, 800)],
                ..negotiable()
            },
            vec!["priceTiers[1].minQuantity"],
        ),
        (
            CreateOfferRequest {
                currency: Some("dinar".into()),
                ..negotiable()
            },
            vec!["currency"],
        ),
        (
            CreateOfferRequest {
                ends_at: Some(time_to_pb(now)),
                ..negotiable()
            },
            vec!["endsAt"],
        ),
        (
            CreateOfferRequest {
                starts_at: Some(time_to_pb(now + HOUR)),
                ends_at: Some(time_to_pb(now + HOUR)),
                ..negotiable()
            },
            vec!["endsAt"],
        ),
        (
            CreateOfferRequest {
                bid_increment: Some(5),
                reserve_price: Some(2_000),
                anti_sniping: Some(false),
                ..negotiable()
            },
            vec!["bidIncrement", "reservePrice", "antiSniping"],
        ),
        (
            CreateOfferRequest {
                starts_at: None,
                ends_at: None,
                reserve_price: Some(999),
                price_tiers: vec![tier(20, 900)],
                ..auction(&app, HOUR)
            },
            vec!["priceTiers", "reservePrice", "startsAt", "endsAt"],
        ),
        (auction(&app, HOUR - Duration::from_secs(1)), vec!["endsAt"]),
    ];
    for (request, expected) in cases {
        let refused = make(seller, request.clone()).await;
        assert_eq!(faults(refused), expected, "{request:?}");
    }
    assert_eq!(app.rows().await, before);
    assert_eq!(
        make(seller, auction(&app, HOUR)).await.unwrap(),
        Status::Active
    );
}

#[tokio::test]
async fn an_offer_is_of_a_store_of_ones_own_that_is_open() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, other) = (&traders.importateur, &traders.grossiste);
    let of = |store: &str| CreateOfferRequest {
        store_id: store.into(),
        ..negotiable()
    };
    let staff = json!({
        "storeId": seller.store, "userId": other.client.user_id, "role": "MANAGER"
    });
    let added = seller
        .client
        .call("StoreService/AddManager", &staff.to_string())
        .await;
    added.unwrap();
    let refused = make(&other.client, of(&seller.store)).await;
    assert_eq!(refusal(refused), "FORBIDDEN");
    // Of two stores where one works, the own one is meant.
    make(&other.client, negotiable()).await.unwrap();
    let second = app.store(&seller.client, "Dépôt", 36.0, 3.0).await;
    let refused = make(&seller.client, negotiable()).await;
    assert_eq!(faults(refused), ["storeId"]);
    make(&seller.client, of(&second)).await.unwrap();
    let pause = PauseStoreRequest { id: second.clone() };
    seller.client.stores().pause_store(pause).await.unwrap();
    let refused = make(&seller.client, of(&second)).await;
    assert_eq!(refusal(refused), "STORE_NOT_ACTIVE");
    let storeless = app.customer().await;
    let role = json!({"role": "STORE_OWNER", "sellerCategory": "GROSSISTE"}).to_string();
    let synced = storeless.call("AuthService/SyncRole", &role).await;
    synced.unwrap();
    // The token tells the role of its time.
    let storeless = app.sign_in(&storeless.phone).await;
    assert_eq!(faults(make(&storeless, negotiable()).await), ["storeId"]);
}

#[tokio::test]
async fn an_offer_may_name_a_product_of_its_store() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, other) = (&traders.importateur, &traders.grossiste);
    let own = seller.product("Huile 5 L", 1_200, 50).await.id;
    let foreign = other.product("Savon", 500, 50).await.id;
    let second = app.store(&seller.client, "Dépôt", 36.0, 3.0).await;
    let of = |product: &str| CreateOfferRequest {
        product_id: product.into(),
        ..negotiable()
    };
    // Its store is the product's, and its currency too.
    let made = seller.client.offer(of(&own)).await;
    assert_eq!(
        (made.store_id, made.product_id),
        (seller.store.clone(), own.clone())
    );
    let elsewhere = CreateOfferRequest {
        store_id: second,
        ..of(&own)
    };
    let dollars = CreateOfferRequest {
        currency: Some("USD".into()),
        ..of(&own)
    };
    for (request, why, field) in [
        (of(&foreign), "PRODUCT_NOT_FOUND", "productId"),
        (
            of("prod_0000000000000000000000000"),
            "VALIDATION_ERROR",
            "productId",
        ),
        (elsewhere, "VALIDATION_ERROR", "productId"),
        (dollars, "VALIDATION_ERROR", "currency"),
    ] {
        let refused = seller.client.b2b().create_offer(request).await;
        let refused = refused.map(drop).unwrap_err();
        assert_eq!(refusal(Err::<(), _>(refused.clone())), why, "{field}");
        assert_eq!(faults(Err::<(), _>(refused)), [field]);
    }
    // A grossiste's product is not for an importateur to know of; but a fournisseur's is.
    let public = traders.fournisseur.product("Pain", 50, 5).await.id;
    let refused = make(&seller.client, of(&public)).await;
    assert_eq!(refusal(refused), "FORBIDDEN");
}

#[tokio::test]
async fn pictures_belong_to_an_offer_while_it_shows_them() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.importateur;
    let product = seller.product("Huile 5 L", 1_200, 50).await.id;
    let picture = || samples::picture(ImageFormat::Png, 40, 30);
    let mut urls = Vec::new();
    for _ in 0..2 {
        let added = seller.client.add_image(&product, picture(), "image/png");
        urls.push(added.await.unwrap().image_url);
    }
    let uses = || app.number("SELECT CAST(sum(uses) AS BIGINT) FROM media");
    assert_eq!(uses().await, 2);
    let made = seller
        .client
        .offer(CreateOfferRequest {
            images: vec![urls[0].clone(), "https://elsewhere.example/oil.jpg".into()],
            ..negotiable()
        })
        .await;
    assert_eq!(uses().await, 3);
    let change = UpdateOfferRequest {
        id: made.id.clone(),
        images: urls.clone(),
        ..Default::default()
    };
    let changed = seller.client.change_offer(change).await.unwrap();
    assert_eq!((changed.images, changed.version), (urls.clone(), 2));
    assert_eq!(uses().await, 4);
    // Another's file is nobody's to show.
    let stolen = CreateOfferRequest {
        images: urls,
        ..negotiable()
    };
    let refused = make(&traders.grossiste.client, stolen.clone()).await;
    assert_eq!(refusal(refused), "UPLOAD_NOT_FOUND");
    let refused = make(&traders.grossiste.client, stolen).await;
    assert_eq!(faults(refused), ["images"]);
    delete(&seller.client, &made.id).await.unwrap();
    assert_eq!(uses().await, 2);
    assert_eq!(refusal(delete(&seller.client, &made.id).await), "NOT_FOUND");
    app.assert_sound().await;
}

#[tokio::test]
async fn terms_are_locked_once_somebody_responded() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    let made = seller.offer(negotiable()).await;
    let change = || UpdateOfferRequest {
        id: made.id.clone(),
        ..Default::default()
    };
    // It has begun, but nobody has responded.
    let cheaper = UpdateOfferRequest {
        base_price: Some(950),
        available_quantity: Some(80),
        target_category: SellerCategory::Fournisseur.into(),
        ..change()
    };
    let after = seller.change_offer(cheaper).await.unwrap();
    assert_eq!((after.base_price, after.initial_quantity), (950, 80));
    assert_eq!(
        (after.version, after.target_category()),
        (2, SellerCategory::Fournisseur)
    );
    assert_eq!(refusal(buyer.offer_of(&made.id).await), "NOT_FOUND");
    let back = UpdateOfferRequest {
        target_category: SellerCategory::Grossiste.into(),
        ..change()
    };
    seller.change_offer(back).await.unwrap();
    // Saying what is so already changes nothing.
    let same = UpdateOfferRequest {
        base_price: Some(950),
        title: Some(made.title.clone()),
        ..change()
    };
    assert_eq!(seller.change_offer(same.clone()).await.unwrap().version, 3);
    let short = UpdateOfferRequest {
        available_quantity: Some(9),
        ..change()
    };
    assert_eq!(
        faults(seller.change_offer(short).await),
        ["availableQuantity"]
    );
    let foreign = UpdateOfferRequest {
        reserve_price: Some(0),
        ..change()
    };
    assert_eq!(faults(seller.change_offer(foreign).await), ["reservePrice"]);
    let later = UpdateOfferRequest {
        starts_at: Some(time_to_pb(app.clock.now() + HOUR)),
        ..change()
    };
    assert_eq!(refusal(seller.change_offer(later).await), "OFFER_LOCKED");

    buyer.responded(&made.id, 900, 10).await;
    let now = app.clock.now();
    let terms = [
        UpdateOfferRequest {
            base_price: Some(960),
            ..change()
        },
        UpdateOfferRequest {
            min_quantity: Some(5),
            ..change()
        },
        UpdateOfferRequest {
            ends_at: Some(time_to_pb(now + HOUR)),
            ..change()
        },
        UpdateOfferRequest {
            price_tiers: vec![tier(20, 900)],
            ..change()
        },
    ];
    for terms in terms {
        let refused = seller.change_offer(terms.clone()).await;
        assert_eq!(refusal(refused), "OFFER_LOCKED", "{terms:?}");
    }
    let words = UpdateOfferRequest {
        title: Some("Huile d'olive 5 L".into()),
        tags: vec!["huile".into()],
        ..same
    };
    let after = seller.change_offer(words.clone()).await.unwrap();
    assert_eq!(
        (after.title.as_str(), after.version),
        ("Huile d'olive 5 L", 4)
    );
    assert_eq!(
        refusal(buyer.change_offer(words.clone()).await),
        "FORBIDDEN"
    );
    let stranger = &traders.fournisseur.client;
    assert_eq!(
        refusal(stranger.change_offer(words.clone()).await),
        "NOT_FOUND"
    );
    let admin = &traders.admin;
    assert_eq!(
        refusal(admin.change_offer(words.clone()).await),
        "FORBIDDEN"
    );
    seller.close_offer(&made.id).await.unwrap();
    assert_eq!(
        refusal(seller.change_offer(words).await),
        "OFFER_NOT_ACTIVE"
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn a_closed_offer_rejects_what_is_open() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    let made = seller.offer(negotiable()).await;
    let open = buyer.responded(&made.id, 900, 10).await;
    assert_eq!(refusal(delete(seller, &made.id).await), "OFFER_LOCKED");
    assert_eq!(refusal(buyer.close_offer(&made.id).await), "FORBIDDEN");
    for _ in 0..2 {
        let closed = seller.close_offer(&made.id).await.unwrap();
        assert_eq!((closed.status(), closed.version), (Status::Closed, 2));
        assert_eq!(closed.outcome(), Outcome::ClosedBySeller);
    }
    let open = buyer.response_of(&open.id).await.unwrap();
    assert_eq!(open.status(), offer_response::Status::Rejected);
    assert_eq!(open.refusal(), offer_response::Refusal::OfferClosed);
    // Who responded sees how it ended.
    let seen = buyer.offer_of(&made.id).await.unwrap();
    assert_eq!(seen.status(), Status::Closed);
    assert_eq!(
        refusal(buyer.respond(&made.id, 900, 10).await),
        "OFFER_NOT_ACTIVE"
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn an_offer_that_begins_later_is_its_sellers_alone_until_then() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    let later = CreateOfferRequest {
        starts_at: Some(time_to_pb(app.clock.now() + SPAN)),
        ..negotiable()
    };
    let made = seller.offer(later).await;
    assert_eq!(made.status(), Status::Scheduled);
    assert_eq!(refusal(buyer.offer_of(&made.id).await), "NOT_FOUND");
    assert_eq!(refusal(buyer.respond(&made.id, 900, 10).await), "NOT_FOUND");
    // Put off by another hour: the job of the first start finds nothing to do.
    let change = UpdateOfferRequest {
        id: made.id.clone(),
        starts_at: Some(time_to_pb(app.clock.now() + 2 * SPAN)),
        ..Default::default()
    };
    seller.change_offer(change).await.unwrap();
    app.advance(SPAN);
    app.run_jobs().await;
    let still = seller.offer_of(&made.id).await.unwrap();
    assert_eq!(still.status(), Status::Scheduled);
    app.advance(SPAN);
    app.run_jobs().await;
    let begun = buyer.offer_of(&made.id).await.unwrap();
    assert_eq!((begun.status(), begun.version), (Status::Active, 3));
    buyer.responded(&made.id, 900, 10).await;
    app.assert_sound().await;
}
