//! Where each service is built and added: its routes, its jobs, and what it must see of
//! commits. From left to right, so that each finds those that it calls.

use std::sync::Arc;

use tonic::service::Routes;

use crate::bounded;
use crate::cache::{Redis, SharedCache, Tally};
use crate::clients::blob::Blobs;
use crate::clients::clerk::Clerk;
use crate::clients::mail::Mail;
use crate::clients::sms::Sms;
use crate::config::{self, Config};
use crate::db::{Db, Observer};
use crate::events::{self, Events, register_retention};
use crate::jobs::{Registry, register_purges};
use crate::kernel::seal::Sealer;
use crate::kernel::task::Tasks;
use crate::pb::souk::analytics::v1::analytics_service_server::AnalyticsServiceServer;
use crate::pb::souk::auth::v1::auth_service_server::AuthServiceServer;
use crate::pb::souk::b2b::v1::b2b_service_server::B2bServiceServer;
use crate::pb::souk::cart::v1::cart_service_server::CartServiceServer;
use crate::pb::souk::catalog::v1::catalog_service_server::CatalogServiceServer;
use crate::pb::souk::delivery::v1::delivery_service_server::DeliveryServiceServer;
use crate::pb::souk::inventory::v1::inventory_service_server::InventoryServiceServer;
use crate::pb::souk::media::v1::media_service_server::MediaServiceServer;
use crate::pb::souk::ops::v1::ops_service_server::OpsServiceServer;
use crate::pb::souk::orders::v1::order_service_server::OrderServiceServer;
use crate::pb::souk::reels::v1::reel_service_server::ReelServiceServer;
use crate::pb::souk::stores::v1::store_service_server::StoreServiceServer;
use crate::pb::souk::users::v1::user_service_server::UserServiceServer;
use crate::services::analytics::Analytics;
use crate::services::auth::{self, Auth, EndSessions, ForgetCredentials};
use crate::services::b2b::{self, B2b, ForgetTraders, OffersUnderWay};
use crate::services::cart::{Carts, EmptyCarts};
use crate::services::catalog::{self, Catalog};
use crate::services::delivery::Delivery;
use crate::services::inventory::{self, Inventory, StockOfProducts};
use crate::services::media::{self, KeptPictures, Media, MediaReady};
use crate::services::ops::{Exposition, Health, Ops};
use crate::services::orders::{self, ForgetBuyers, Orders, OrdersUnderWay};
use crate::services::reels::{
    self, DeleteReels, ForgetComments, Reels, ReelsOfFiles, TakeLikesBack,
};
use crate::services::shipping::{self, Shipping};
use crate::services::stores::{self, Stores};
use crate::services::users::{Neighbours, Open, Users};
use crate::telemetry::metrics::Metrics;

/// What every service stands on.
pub(super) struct Base {
    pub(super) config: Arc<Config>,
    pub(super) db: Db,
    pub(super) events: Events,
    pub(super) sealer: Sealer,
    pub(super) sms: Option<Arc<dyn Sms>>,
    pub(super) mail: Option<Arc<dyn Mail>>,
    pub(super) clerk: Option<Arc<Clerk>>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) tally: Tally,
    pub(super) redis: Option<Redis>,
    pub(super) cache: Option<SharedCache>,
    pub(super) metrics: Option<Metrics>,
    pub(super) tasks: Tasks,
}

/// The services, joined.
pub(super) struct Services {
    pub(super) routes: Routes,
    pub(super) registry: Registry,
    pub(super) observers: Vec<Observer>,
    pub(super) auth: Auth,
    pub(super) health: Health,
}

pub(super) fn build(base: &Base) -> Services {
    let (db, sealer) = (|| base.db.clone(), || base.sealer.clone());
    let (config, events) = (&*base.config, || base.events.clone());
    let currency = config.market.currency;
    let open = Open {
        orders: Arc::new(OrdersUnderWay),
        offers: Arc::new(OffersUnderWay),
    };
    let pictures = Arc::new(KeptPictures::new(base.blobs.clone()));
    let stores = Stores::new(
        db(),
        sealer(),
        open.clone(),
        pictures.clone(),
        of_stores(config),
    );
    let neighbours = Neighbours {
        open: open.clone(),
        stores: Arc::new(stores.clone()),
        sessions: Arc::new(EndSessions),
        pictures: pictures.clone(),
        farewells: vec![
            Arc::new(EndSessions),
            Arc::new(ForgetCredentials),
            Arc::new(stores.clone()),
            Arc::new(DeleteReels),
            Arc::new(ForgetComments),
            Arc::new(EmptyCarts),
            Arc::new(ForgetBuyers),
            Arc::new(TakeLikesBack),
            Arc::new(ForgetTraders),
        ],
    };
    let phone_country = config.market.phone_country.clone();
    let users = Users::new(db(), sealer(), neighbours, phone_country);
    let outside = auth::Outside {
        sms: base.sms.clone(),
        mail: base.mail.clone(),
        clerk: base.clerk.clone(),
        tally: Some(base.tally.clone()),
    };
    let auth = Auth::new(
        db(),
        sealer(),
        outside,
        open,
        pictures.clone(),
        of_auth(config),
    );
    let stock = Arc::new(StockOfProducts);
    let cache = base.cache.as_ref();
    let catalog = Catalog::new(
        db(),
        sealer(),
        stores.clone(),
        stock,
        pictures,
        of_catalog(config),
        cache,
    );
    let inventory = Inventory::new(db(), sealer(), events(), stores.clone(), catalog.clone());
    let listeners: Vec<Arc<dyn MediaReady>> = vec![Arc::new(ReelsOfFiles)];
    let media = Media::new(
        db(),
        base.blobs.clone(),
        stores.clone(),
        catalog.clone(),
        listeners,
        media::Bounds {
            upload_lasts: config.media.upload_lasts,
            owner_bytes_max: config.media.owner_bytes_max,
        },
    );
    let reels = Reels::new(
        db(),
        sealer(),
        events(),
        stores.clone(),
        catalog.clone(),
        media.clone(),
        &base.tasks,
    );
    let analytics = Analytics::new(
        db(),
        sealer(),
        stores.clone(),
        catalog.clone(),
        currency,
        cache,
    );
    let shipping = Shipping::new(db(), stores.clone(), of_shipping(config));
    let delivery = Delivery::new(db(), sealer(), stores.clone(), shipping.clone());
    let carts = Carts::new(db(), stores.clone(), catalog.clone(), currency);
    let orders = Orders::new(
        db(),
        events(),
        sealer(),
        stores.clone(),
        catalog.clone(),
        shipping.clone(),
        of_orders(config),
    );
    let b2b = B2b::new(
        db(),
        sealer(),
        events(),
        stores.clone(),
        catalog.clone(),
        media.clone(),
        of_b2b(config),
    );
    let health = Health::new(db(), base.redis.clone());
    let environment = config.environment.as_str();
    let told = base.metrics.clone();
    let told = told.map(|metrics| -> Exposition { Arc::new(move || metrics.render()) });
    let ops = Ops::new(db(), sealer(), health.clone(), told, environment);

    let registry = register_purges(Registry::new(), &base.db, config.jobs.done_kept);
    let registry = register_retention(registry, &base.events, events::KEPT);
    let registry = Ops::register(registry);
    let registry = auth::register(registry, &auth);
    let registry = media::register(registry, &media);
    let registry = inventory::register(registry, &base.db);
    let registry = orders::register(registry, &orders);
    let registry = reels::register(registry, &reels);
    let registry = b2b::register(registry, &b2b);

    let observers = vec![
        auth.observer(),
        stores.observer(),
        catalog.observer(),
        reels.observer(),
        shipping.observer(),
    ];

    let routes = Routes::default()
        .add_service(bounded!(UserServiceServer::new(users)))
        .add_service(bounded!(AuthServiceServer::new(auth.clone())))
        .add_service(bounded!(StoreServiceServer::new(stores)))
        .add_service(bounded!(CatalogServiceServer::new(catalog)))
        .add_service(bounded!(MediaServiceServer::new(media)))
        .add_service(bounded!(InventoryServiceServer::new(inventory)))
        .add_service(bounded!(ReelServiceServer::new(reels)))
        .add_service(bounded!(DeliveryServiceServer::new(delivery)))
        .add_service(bounded!(CartServiceServer::new(carts)))
        .add_service(bounded!(OrderServiceServer::new(orders)))
        .add_service(bounded!(B2bServiceServer::new(b2b)))
        .add_service(bounded!(AnalyticsServiceServer::new(analytics)))
        .add_service(bounded!(OpsServiceServer::new(ops)));

    Services {
        routes,
        registry,
        observers,
        auth,
        health,
    }
}

fn of_stores(config: &Config) -> stores::Settings {
    stores::Settings {
        currency: config.market.currency,
        default_phone_country: config.market.phone_country.clone(),
    }
}

fn of_catalog(config: &Config) -> catalog::Settings {
    catalog::Settings {
        currency: config.market.currency,
        strict_tiers: config.market.strict_tiers,
    }
}

fn of_shipping(config: &Config) -> shipping::Settings {
    shipping::Settings {
        mode: match config.market.shipping {
            config::ShippingMode::Flat => shipping::Mode::Flat,
            config::ShippingMode::Table => shipping::Mode::Zones,
        },
        currency: config.market.currency,
    }
}

fn of_orders(config: &Config) -> orders::Settings {
    orders::Settings {
        allow_adhoc_items: config.market.adhoc_items,
        currency: config.market.currency,
        default_phone_country: config.market.phone_country.clone(),
        confirm_within: config.market.confirm_within,
    }
}

fn of_b2b(config: &Config) -> b2b::Settings {
    b2b::Settings {
        currency: config.market.currency,
        strict_tiers: config.market.strict_tiers,
        auction_min: config.market.auction_min,
        auction_extension: config.market.auction_extension,
    }
}

fn of_auth(config: &Config) -> auth::Settings {
    auth::Settings {
        otp_secret: config.secrets.otp.clone(),
        otp_dev_code: config
            .auth
            .otp_dev_code
            .as_ref()
            .map(|code| code.expose().clone()),
        jwt_secret: config.secrets.jwt.clone(),
        signing_key: config.keys.private.clone(),
        previous_keys: config.keys.previous.clone(),
        issuer: "souk".to_owned(),
        audience: "souk".to_owned(),
        access_ttl: config.auth.access_ttl,
        session_ttl: config.auth.refresh_ttl,
        session_policy: match config.auth.sessions {
            config::SessionPolicy::Single => auth::SessionPolicy::Single,
            config::SessionPolicy::Multi => auth::SessionPolicy::Multi,
        },
        sms_daily_limit: config.sms.daily_limit,
        phone_country: config.market.phone_country.clone(),
        accounts: of_accounts(&config.auth),
    }
}

fn of_accounts(config: &config::Auth) -> auth::EmailAccounts {
    auth::EmailAccounts {
        client_url: config.client_url.clone(),
        bootstrap_token: config.bootstrap_token.clone(),
        admin_signup: config.admin_signup,
        hashers: config.password_hashers,
    }
}
