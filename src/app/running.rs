//! What runs, and how it ends: within 30 s, whatever is under way.

use std::net::SocketAddr;
use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::App;
use super::alone::Alone;
use crate::kernel::task::Tasks;
use crate::pb;

/// How long calls, streams and jobs may take to end, the pause before among it. What comes
/// after has a second each (connections, the last spans, the last reports, threads), so
/// all of it stays below the 30 s that supervisors commonly wait.
const STOP_LIMIT: Duration = Duration::from_secs(25);
/// How long the connections to Redis and the database may take to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// How often the health service learns how the server is.
const HEALTH_PERIOD: Duration = Duration::from_secs(2);

impl App {
    /// Keeps the standard health service in step with readiness.
    pub(super) async fn watch_health(&self, reporter: HealthReporter) {
        tell(&reporter, ServingStatus::Serving).await;
        let (health, stopping) = (self.health.clone(), self.tasks.stopping());
        self.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(HEALTH_PERIOD);
            while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
                let status = match health.ready().await {
                    Ok(()) => ServingStatus::Serving,
                    Err(_) => ServingStatus::NotServing,
                };
                tell(&reporter, status).await;
            }
        });
    }

    /// Stops background work and lets go of the database. Says whether all ended in time.
    pub async fn close(&self) -> bool {
        let ended = self.tasks.stop(STOP_LIMIT).await;
        self.let_go().await;
        ended
    }

    /// Stops a port together with the background work: streams end with that, and
    /// connections only after their streams, so both must learn of it at once.
    async fn stop_with(&self, port: &Tasks, limit: Duration) -> bool {
        let (port, tasks) = tokio::join!(port.stop(limit), self.tasks.stop(limit));
        self.let_go().await;
        port && tasks
    }

    /// Lets go of Redis and the database: a connection that a call was cut off from may be
    /// busy still.
    async fn let_go(&self) {
        let all = async { tokio::join!(self.shared.close(), self.db.close()) };
        if tokio::time::timeout(CLOSE_LIMIT, all).await.is_err() {
            tracing::warn!("a connection to the database or to Redis was busy at the end");
        }
    }
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it tells metrics and how it is, if that has a port of its own.
    pub ops_address: Option<SocketAddr>,
    /// What stands below.
    pub app: App,
    pub(super) port: Tasks,
    pub(super) reporter: HealthReporter,
    /// Let go of last.
    pub(super) _alone: Option<Alone>,
}

impl Running {
    /// Stops cleanly: turns readiness red, serves on for a moment so that load balancers
    /// turn away first, accepts nothing more, tells streams to end, lets open calls
    /// finish, releases jobs. Takes less than 30 s; says whether all ended by itself.
    pub async fn stop(self) -> bool {
        tracing::info!("souk stops");
        self.app.health.stop();
        tell(&self.reporter, ServingStatus::NotServing).await;
        let pause = self.app.config.server.limits.pause;
        tokio::time::sleep(pause).await;
        let left = STOP_LIMIT.saturating_sub(pause);
        let cleanly = self.app.stop_with(&self.port, left).await;
        tracing::info!(cleanly, "souk has stopped");
        cleanly
    }
}

/// A worker that runs.
pub struct Working {
    /// Where it tells metrics and how it is, if there is a port for that.
    pub ops_address: Option<SocketAddr>,
    /// What stands below.
    pub app: App,
    pub(super) port: Tasks,
    /// Let go of last.
    pub(super) _alone: Option<Alone>,
}

impl Working {
    /// Stops cleanly: turns readiness red, claims nothing more, lets the jobs that run
    /// come to their end, gives back the rest. Nobody sends calls here, so nobody must
    /// turn away first. Takes less than 30 s; says whether all ended by itself.
    pub async fn stop(self) -> bool {
        tracing::info!("the worker stops");
        self.app.health.stop();
        let cleanly = self.app.stop_with(&self.port, STOP_LIMIT).await;
        tracing::info!(cleanly, "the worker has stopped");
        cleanly
    }
}

/// Sets the health of the whole server and of each service.
async fn tell(health: &HealthReporter, status: ServingStatus) {
    health.set_service_status("", status).await;
    for service in service_names() {
        health.set_service_status(service, status).await;
    }
}

/// The services of the contract by their full names.
fn service_names() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    pb::policy::ALL.iter().filter_map(move |policy| {
        let name = policy.service();
        let first = name != last;
        last = name;
        first.then_some(name)
    })
}
