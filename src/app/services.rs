//! Where each service is built and added: its routes, its jobs, and what it must see of
//! commits. From left to right, so that each finds those that it calls.

mod each;

use std::sync::Arc;

use tonic::service::Routes;

use crate::bounded;
use crate::cache::{Redis, SharedCache, Tally};
use crate::clients::blob::Blobs;
use crate::clients::clerk::Clerk;
use crate::clients::mail::Mail;
use crate::clients::sms::Sms;
use crate::config::Config;
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
use crate::services::auth::{self, Auth};
use crate::services::b2b::{self, OffersUnderWay};
use crate::services::inventory;
use crate::services::media::{self, KeptPictures};
use crate::services::ops::{Health, Ops};
use crate::services::orders::{self, OrdersUnderWay};
use crate::services::reels;
use crate::services::users::Open;
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
    let open = Open {
        orders: Arc::new(OrdersUnderWay),
        offers: Arc::new(OffersUnderWay),
    };
    let pictures = Arc::new(KeptPictures::new(base.blobs.clone()));
    let stores = base.stores(&open, &pictures);
    let users = base.users(&stores, &open, &pictures);
    let auth = base.auth(&open, &pictures);
    let catalog = base.catalog(&stores, &pictures);
    let inventory = base.inventory(&stores, &catalog);
    let media = base.media(&stores, &catalog);
    let reels = base.reels(&stores, &catalog, &media);
    let analytics = base.analytics(&stores, &catalog);
    let shipping = base.shipping(&stores);
    let delivery = base.delivery(&stores, &shipping);
    let carts = base.carts(&stores, &catalog);
    let orders = base.orders(&stores, &catalog, &shipping);
    let b2b = base.b2b(&stores, &catalog, &media);
    let health = Health::new(base.db.clone(), base.redis.clone());
    let ops = base.ops(&health);

    let registry = register_purges(Registry::new(), &base.db, base.config.jobs.done_kept);
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
