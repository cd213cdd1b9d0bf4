//! Where each service is built and added: its routes, its jobs, and what it must see of
//! commits. From left to right, so that each finds those that it calls.

use std::sync::Arc;

use tonic::service::Routes;

use crate::bounded;
use crate::clients::sms::Sms;
use crate::config::{self, Config};
use crate::db::{Db, Observer, Tx};
use crate::events::Events;
use crate::jobs::{DONE_KEPT, Registry, register_purges};
use crate::kernel::Result;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::seal::Sealer;
use crate::pb::souk::auth::v1::auth_service_server::AuthServiceServer;
use crate::pb::souk::ops::v1::ops_service_server::OpsServiceServer;
use crate::pb::souk::users::v1::user_service_server::UserServiceServer;
use crate::services::auth::{self, Auth, EndSessions};
use crate::services::ops::{Health, Ops};
use crate::services::users::{KnownStores, Neighbours, OpenOrders, Users};

/// What every service stands on.
pub(super) struct Base {
    pub(super) config: Arc<Config>,
    pub(super) db: Db,
    pub(super) events: Events,
    pub(super) sealer: Sealer,
    pub(super) sms: Option<Arc<dyn Sms>>,
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
    let (db, sealer) = (&base.db, &base.sealer);
    let environment = base.config.environment.as_str();

    let neighbours = Neighbours {
        orders: Arc::new(NoneYet),
        sessions: Arc::new(EndSessions),
        stores: Arc::new(NoneYet),
    };
    let users = Users::new(db.clone(), sealer.clone(), neighbours);
    let auth = Auth::new(
        db.clone(),
        sealer.clone(),
        base.sms.clone(),
        settings(&base.config),
    );
    let health = Health::new(db.clone());
    let ops = Ops::new(db.clone(), sealer.clone(), health.clone(), environment);

    let registry = register_purges(Registry::new(), db, DONE_KEPT);
    let registry = Ops::register(registry);
    let registry = auth::register(registry, &auth);

    let observers = vec![auth.observer()];

    let routes = Routes::default()
        .add_service(bounded!(UserServiceServer::new(users)))
        .add_service(bounded!(AuthServiceServer::new(auth.clone())))
        .add_service(bounded!(OpsServiceServer::new(ops)));

    Services {
        routes,
        registry,
        observers,
        auth,
        health,
    }
}

/// Before stores and orders are served, there are none.
struct NoneYet;

#[tonic::async_trait]
impl OpenOrders for NoneYet {
    async fn user_has_open_orders(&self, _: &Tx, _: UserId) -> Result<bool> {
        Ok(false)
    }

    async fn store_has_open_orders(&self, _: &Tx, _: StoreId) -> Result<bool> {
        Ok(false)
    }
}

#[tonic::async_trait]
impl KnownStores for NoneYet {
    async fn store_exists(&self, _: &Tx, _: StoreId) -> Result<bool> {
        Ok(false)
    }
}

fn settings(config: &Config) -> auth::Settings {
    auth::Settings {
        otp_secret: config.secrets.otp.clone(),
        otp_dev_code: config
            .auth
            .otp_dev_code
            .as_ref()
            .map(|code| code.expose().clone()),
        jwt_secret: config.secrets.jwt.clone(),
        issuer: "souk".to_owned(),
        audience: "souk".to_owned(),
        access_ttl: config.auth.access_ttl,
        session_ttl: config.auth.refresh_ttl,
        session_policy: match config.auth.sessions {
            config::SessionPolicy::Single => auth::SessionPolicy::Single,
            config::SessionPolicy::Multi => auth::SessionPolicy::Multi,
        },
        phone_country: config.market.phone_country.clone(),
    }
}
