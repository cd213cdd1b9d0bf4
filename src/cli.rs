//! The command line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{self, App, Overrides};
use crate::clients::http;
use crate::config::{Config, Environment, Problem};
use crate::db::Db;
use crate::kernel::{Clock, Role};
use crate::{check, demo, telemetry};

/// Where the demo keeps its files.
const DEMO_DATA: &str = "data/demo";
/// Who runs the sample marketplace.
const DEMO_ADMIN: &str = "+213550000000";
/// How long threads that still compute or wait for a disk are waited for at the end.
const THREADS_LIMIT: Duration = Duration::from_secs(1);

/// A marketplace backend: gRPC first, JSON from the same contract.
#[derive(Debug, Parser)]
#[command(name = "souk", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Serve gRPC, gRPC-Web and JSON, and run background work (the default).
    Serve,
    /// Run background work only.
    Worker,
    /// Bring the database up to date, and end.
    Migrate,
    /// Fill a sample marketplace, play an order through the API, and keep serving.
    Demo,
    /// Development: print an access token for a phone, whose account is made if needed.
    Token {
        /// The phone that signs in.
        #[arg(default_value = "+213550000000")]
        phone: String,
        /// CUSTOMER, STORE_OWNER, DELIVERY_PARTNER, FREELANCER or ADMIN.
        #[arg(long, default_value = "ADMIN", value_parser = role)]
        role: Role,
    },
    /// Ask the database for breaches of what must always hold; fails when there is one.
    Check,
    /// Ask the server or worker on this host whether it is ready: at METRICS_PORT where that
    /// is set, or else at PORT.
    Health,
}

impl Command {
    /// Settings that the command brings along. The demo lives in a folder of its own,
    /// where its sample marketplace meets nothing real.
    fn forced(&self) -> BTreeMap<String, String> {
        let forced: &[(&str, &str)] = match self {
            Self::Demo => &[
                ("SOUK_ENV", "development"),
                ("SOUK_DATA", DEMO_DATA),
                ("DATABASE_URL", "sqlite://data/demo/souk.db"),
                ("OTP_DEV_CODE", demo::CODE),
                ("RATE_LIMITS", "off"),
                // Its auction is over before the reader is bored.
                ("AUCTION_MIN_SECONDS", "1"),
                ("AUCTION_EXTENSION_SECONDS", "1"),
                // The story's own words come first.
                ("LOG_LEVEL", "warn"),
            ],
            _ => &[],
        };
        forced
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(&word.to_ascii_uppercase()).ok_or_else(|| {
        let words: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        format!("must be one of {}", words.join(", "))
    })
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    let config = match settings(command.forced()) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("souk cannot start:");
            for problem in problems {
                eprintln!("  {problem}");
            }
            return ExitCode::from(2);
        }
    };
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime")
        .and_then(|runtime| within(runtime, command, config));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("souk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command, sends what telemetry has left when it ends, and waits for nothing more
/// than a moment.
fn within(runtime: Runtime, command: Command, config: Config) -> Result<()> {
    let telemetry = {
        let _inside = runtime.enter();
        telemetry::start(&config)?
    };
    for note in &config.notes {
        tracing::info!("{note}");
    }
    let outcome = runtime.block_on(execute(command, config));
    telemetry.stop();
    // Dropping it would wait for such threads without a bound.
    runtime.shutdown_timeout(THREADS_LIMIT);
    outcome
}

/// The settings of the environment and of the file that `SOUK_CONFIG` names; `forced`
/// ones win over both.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn settings(forced: BTreeMap<String, String>) -> Result<Config, Vec<Problem>> {
    let mut env: BTreeMap<String, String> = std::env::vars().collect();
    env.extend(forced);
    let file = match env.get("SOUK_CONFIG").filter(|path| !path.is_empty()) {
        Some(path) => match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) => {
                let message = format!("names a file that cannot be read: {error}");
                return Err(vec![Problem::new("SOUK_CONFIG", message)]);
            }
        },
        None => None,
    };
    Config::load(env, file.as_deref())
}

async fn execute(command: Command, config: Config) -> Result<()> {
    match command {
        Command::Serve => serve(config).await,
        Command::Worker => worker(config).await,
        Command::Migrate => migrate(config).await,
        Command::Demo => play(config).await,
        Command::Token { phone, role } => token(config, &phone, role).await,
        Command::Check => check(&config).await,
        Command::Health => health(&config).await,
    }
}

async fn serve(config: Config) -> Result<()> {
    let mut signals = Signals::new()?;
    let start = App::start(config, Overrides::default());
    let Some(running) = signals.unless_told(start).await.transpose()? else {
        return Ok(());
    };
    signals.wait().await;
    let stopped = signals.unless_again(running.stop()).await?;
    if !stopped {
        bail!("not everything ended in time");
    }
    Ok(())
}

async fn worker(config: Config) -> Result<()> {
    let production = config.environment == Environment::Production;
    if production && config.database.url.starts_with("sqlite:") {
        bail!("a worker beside a server needs PostgreSQL: SQLite serves one process");
    }
    let mut signals = Signals::new()?;
    let start = App::work(config, Overrides::default());
    let Some(working) = signals.unless_told(start).await.transpose()? else {
        return Ok(());
    };
    signals.wait().await;
    if !signals.unless_again(working.stop()).await? {
        bail!("not every job ended in time; what is left runs again elsewhere");
    }
    Ok(())
}

async fn migrate(config: Config) -> Result<()> {
    let db = Db::open(&config.database, Clock::system()).await?;
    db.migrate().await?;
    db.close().await;
    tracing::info!("the database is up to date");
    Ok(())
}

async fn play(config: Config) -> Result<()> {
    let mut signals = Signals::new()?;
    let database = config.data.join("souk.db");
    // The story tells of a first day, so yesterday's marketplace goes.
    for ending in ["", "-wal", "-shm"] {
        let path = format!("{}{ending}", database.display());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context(path);
            }
            _ => {}
        }
    }
    let start = App::start(config, Overrides::default());
    let Some(running) = signals.unless_told(start).await.transpose()? else {
        return Ok(());
    };
    let admin = running.app.auth.sign_in_as(DEMO_ADMIN, Role::Admin).await?;
    let base = format!("http://{}", running.address);
    tokio::select! {
        played = demo::run(&base, &admin) => {
            played?;
            signals.wait().await;
        }
        () = signals.wait() => {}
    }
    signals.unless_again(running.stop()).await.map(drop)
}

async fn token(config: Config, phone: &str, role: Role) -> Result<()> {
    if config.environment == Environment::Production {
        bail!("tokens are minted by hand in development only");
    }
    let by_hand = Overrides {
        background: false,
        ..Overrides::default()
    };
    let app = App::open(config, by_hand).await?;
    let token = app.auth.sign_in_as(phone, role).await;
    app.close().await;
    println!("{}", token?);
    Ok(())
}

/// Fails, with every breach named, when an invariant of the database does not hold.
async fn check(config: &Config) -> Result<()> {
    let db = Db::open(&config.database, Clock::system()).await?;
    let blobs = app::files(config)?;
    let report = check::run(&db, &*blobs).await?;
    db.close().await;
    println!("{report}");
    if !report.is_clean() {
        bail!("{} invariants do not hold", report.breaches.len());
    }
    Ok(())
}

/// For container health checks: succeeds when the server or worker on this host is ready.
async fn health(config: &Config) -> Result<()> {
    let server = &config.server;
    // The port for those who run souk never speaks TLS, and a worker has no other. One that
    // the system chose is known to nobody here.
    let ops = config.metrics.port.as_ref().filter(|ops| ops.port != 0);
    let port = match ops {
        Some(ops) => SocketAddr::new(ops.host, ops.port),
        None => SocketAddr::new(server.host, server.port),
    };
    let port = app::on_this_host(port);
    if ops.is_none() && server.tls.is_some() {
        // The certificate names the public host, not this one, so only the port is tried.
        tokio::net::TcpStream::connect(port).await?;
        println!("the port is open; METRICS_PORT would tell whether the server is ready");
        return Ok(());
    }
    let url = format!("http://{port}/health/ready");
    let answer = http::to_own_port()?.get(&url).send().await?;
    if !answer.status().is_success() {
        bail!("not ready: {}", answer.text().await?);
    }
    println!("ready");
    Ok(())
}

/// The signals that ask a process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Starts, unless a signal says first that nobody wants it any more: the start may wait
    /// for others without a bound, for the turn to migrate. What has begun ends with the
    /// process.
    async fn unless_told<T>(&mut self, start: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            started = start => Some(started),
            () = self.wait() => {
                tracing::info!("told to stop before all was ready");
                None
            }
        }
    }

    /// Waits for a clean stop, unless a second signal says that there is no time for it.
    async fn unless_again<T>(&mut self, stop: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            stopped = stop => Ok(stopped),
            () = self.wait() => bail!("stopped at once by a second signal"),
        }
    }
}
