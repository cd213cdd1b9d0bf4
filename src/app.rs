//! The one place that builds everything, starts it, and stops it.

mod alone;
mod ops_port;
mod outside;
mod running;
mod services;
mod shared;

use std::io;
use std::sync::Arc;

use tonic::service::Routes;
use tower::util::BoxCloneSyncService;

use crate::cache::{Counters, RateLimit, Tally};
use crate::clients::blob::{Blobs, LocalBlobs};
use crate::clients::http;
use crate::clients::mail::Mail;
use crate::clients::sms::Sms;
use crate::config::Config;
use crate::db::Db;
use crate::edge::Edge;
use crate::events::{Events, EventsConfig};
use crate::files::Files;
use crate::grpc::{Calls, Limiters, Server, ServerConfig};
use crate::jobs::{Jobs, Registry};
use crate::kernel::seal::Sealer;
use crate::kernel::task::Tasks;
use crate::kernel::{Clock, Error, Reason, Result};
use crate::pb;
use crate::services::auth::{Auth, RateWindows};
use crate::services::ops::Health;
use crate::telemetry::metrics::Metrics;
use alone::Alone;
use ops_port::OpsPort;
pub use outside::{files, mail, on_this_host, sms};
pub use running::{Running, Working};
use services::Base;
use shared::Shared;

/// What tests and the demo set otherwise.
#[derive(Clone)]
pub struct Overrides {
    /// The clock.
    pub clock: Clock,
    /// Who sends text messages; unset, the settings decide.
    pub sms: Option<Arc<dyn Sms>>,
    /// Who sends mail; unset, the settings decide.
    pub mail: Option<Arc<dyn Mail>>,
    /// Where files are kept; unset, the settings decide.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// The bounds of calls to the outside.
    pub http: http::Limits,
    /// Who counts calls; unset, the settings decide.
    pub limits: Option<Arc<dyn RateLimit>>,
    /// How streams behave.
    pub events: EventsConfig,
    /// Whether jobs run by themselves; tests run them by hand.
    pub background: bool,
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            sms: None,
            mail: None,
            blobs: None,
            http: http::Limits::default(),
            limits: None,
            events: EventsConfig::default(),
            background: true,
        }
    }
}

/// Everything below the port: what serving and background work stand on.
#[derive(Clone)]
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// The database, its schema up to date.
    pub db: Db,
    /// The event log.
    pub events: Events,
    /// The background work.
    pub jobs: Jobs,
    /// The sign-in, which also mints tokens for tools.
    pub auth: Auth,
    /// Where files are kept.
    pub blobs: Arc<dyn Blobs>,
    /// The folder, where files are kept in one of this host.
    folder: Option<Arc<LocalBlobs>>,
    health: Health,
    metrics: Option<Metrics>,
    routes: Routes,
    shared: Shared,
    tasks: Tasks,
}

impl App {
    /// Opens the database, brings it up to date, builds the services and, unless told
    /// otherwise, begins to run jobs.
    ///
    /// # Errors
    /// UNAVAILABLE when the database cannot be reached, INTERNAL when its schema cannot
    /// be brought up to date.
    pub async fn open(config: Config, overrides: Overrides) -> Result<Self> {
        // Before all that counts: what is looked up earlier counts nothing.
        let metrics = config.metrics.enabled.then(Metrics::start).transpose()?;
        let sms = outside::or(overrides.sms, || {
            sms(&config, &overrides.clock, overrides.http)
        })?;
        let mail = outside::or(overrides.mail, || {
            mail(&config, &overrides.clock, overrides.http)
        })?;
        let clerk = outside::clerk(&config, overrides.http)?;
        let db = Db::open(&config.database, overrides.clock).await?;
        db.migrate().await?;
        let tasks = Tasks::default();
        if let Some(metrics) = &metrics {
            metrics.set_looks(vec![ops_port::look_at_pools(db.clone())]);
            tasks.spawn(metrics.clone().keep_house(tasks.stopping()));
        }
        db.keep_time(&tasks);
        let shared = Shared::open(config.redis.as_ref(), db.clock(), &tasks).await?;
        let sealer = Sealer::new(config.secrets.token.clone());
        let kept = outside::blobs(
            &config,
            overrides.blobs,
            &sealer,
            db.clock(),
            overrides.http,
        )?;
        let bus = shared.bus.clone();
        let events =
            Events::start(db.clone(), sealer.clone(), bus, overrides.events, &tasks).await?;
        let config = Arc::new(config);
        let base = Base {
            config: config.clone(),
            db: db.clone(),
            events: events.clone(),
            sealer,
            sms,
            mail,
            clerk,
            blobs: kept.blobs.clone(),
            tally: Tally::new(shared.counters.clone(), tasks.clone()),
            redis: shared.redis.clone(),
            cache: shared.cache.clone(),
            metrics: metrics.clone(),
            tasks: tasks.clone(),
        };
        let services = services::build(&base);
        db.set_observers(services.observers);
        let jobs = run(&base, services.registry, overrides.background);
        Ok(Self {
            config,
            db,
            events,
            jobs,
            auth: services.auth,
            blobs: kept.blobs,
            folder: kept.folder,
            health: services.health,
            metrics,
            routes: services.routes,
            shared,
            tasks,
        })
    }

    /// Opens everything and serves.
    ///
    /// # Errors
    /// As [`App::open`]; UNAVAILABLE when the port cannot be opened or another process
    /// serves the file, INTERNAL when the certificate cannot be read.
    pub async fn start(mut config: Config, mut overrides: Overrides) -> Result<Running> {
        overrides.background &= config.jobs.beside_serving;
        // The port comes first: when it is taken, nothing else should have happened.
        let server = Server::bind(config.server.clone()).map_err(no_port(&config))?;
        let address = server.address().map_err(no_port(&config))?;
        let own_url = outside::own_url(&config, address);
        config.media.own_url.get_or_insert(own_url);
        let ops_port = OpsPort::bind(config.metrics.port.as_ref())?;
        let alone = Alone::with(&config)?;
        let counts = overrides.limits.clone();
        let app = Self::open(config, overrides).await?;
        let (health, health_service) = tonic_health::server::health_reporter();
        let routes = with_reflection(app.routes.clone(), &app.config.server)?;
        let limits = Limiters {
            usual: counts.unwrap_or_else(|| app.shared.limits.clone()),
            strict: Arc::new(RateWindows::new(app.db.clone())),
            local: app.shared.local_limits.clone(),
        };
        let calls = Calls::new(
            routes.add_service(health_service),
            Arc::new(app.auth.clone()),
            limits,
            app.db.pulse().clone(),
            &app.config.server,
        );
        app.feel_pulse();
        let edge = Edge::new(calls.clone())?;
        let edge = match app.folder.clone() {
            Some(folder) => BoxCloneSyncService::new(Files::new(folder, edge)),
            None => BoxCloneSyncService::new(edge),
        };
        let serving = server.with(calls, edge).map_err(Error::internal)?;
        let port = Tasks::default();
        port.spawn(serving.run(port.stopping()));
        let ops_address = app.open_ops_port(ops_port, &port)?;
        app.watch_health(health.clone()).await;
        tracing::info!(%address, database = app.db.dialect().as_str(), "souk is ready");
        Ok(Running {
            address,
            ops_address,
            app,
            port,
            reporter: health,
            _alone: alone,
        })
    }

    /// Opens everything and runs jobs, without a port for calls.
    ///
    /// # Errors
    /// As [`App::open`]; UNAVAILABLE when the port for metrics cannot be opened or another
    /// process serves the file.
    pub async fn work(config: Config, overrides: Overrides) -> Result<Working> {
        let ops_port = OpsPort::bind(config.metrics.port.as_ref())?;
        let alone = Alone::with(&config)?;
        let app = Self::open(config, overrides).await?;
        app.feel_pulse();
        let port = Tasks::default();
        let ops_address = app.open_ops_port(ops_port, &port)?;
        tracing::info!("the worker is ready");
        Ok(Working {
            ops_address,
            app,
            port,
            _alone: alone,
        })
    }

    /// Keeps knowing whether the database answers.
    fn feel_pulse(&self) {
        let pulse = self.db.clone().feel_pulse(self.tasks.stopping());
        self.tasks.spawn(pulse);
    }

    /// The passing counts, such as `otp_sent`.
    pub fn counters(&self) -> &Arc<dyn Counters> {
        &self.shared.counters
    }
}

/// The jobs, which run by themselves where `background` says so.
fn run(base: &Base, registry: Registry, background: bool) -> Jobs {
    let (db, how) = (base.db.clone(), base.config.jobs.config.clone());
    let jobs = if background {
        Jobs::start(db, registry, &base.tasks, how)
    } else {
        Jobs::new(db, registry, how)
    };
    if base.metrics.is_some() {
        let gauges = jobs.clone().keep_gauges(base.tasks.stopping());
        base.tasks.spawn(gauges);
    }
    jobs
}

fn with_reflection(routes: Routes, config: &ServerConfig) -> Result<Routes> {
    if !config.reflection {
        return Ok(routes);
    }
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::DESCRIPTOR_BYTES)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let current = builder().build_v1().map_err(Error::internal)?;
    let older = builder().build_v1alpha().map_err(Error::internal)?;
    Ok(routes.add_service(current).add_service(older))
}

fn no_port(config: &Config) -> impl Fn(io::Error) -> Error {
    let (host, port) = (config.server.host, config.server.port);
    move |error| {
        let message = format!("port {port} of {host} cannot be opened");
        Error::new(Reason::Unavailable, message).caused_by(error)
    }
}
