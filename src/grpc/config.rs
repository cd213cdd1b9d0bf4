//! What the server is told: where it listens, whom it believes, and its limits.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::rates::Rates;

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// With these the port speaks TLS only.
    pub tls: Option<TlsFiles>,
    /// A trusted proxy in front ends TLS.
    pub tls_at_proxy: bool,
    /// Proxies whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may read answers.
    pub origins: Origins,
    /// Whether those pages may send credentials that the browser keeps.
    pub credentials: bool,
    /// Whether clients may ask for the contract by server reflection.
    pub reflection: bool,
    /// Whether methods of DEVELOPMENT access are open, and answers tell of their cost.
    pub development: bool,
    /// Limits of connections and calls.
    pub limits: Limits,
    /// How often each caller may call.
    pub rates: Rates,
}

/// A certificate chain and its key, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Which pages may read answers.
#[derive(Debug, Clone)]
pub enum Origins {
    /// Every page.
    Any,
    /// Pages of exactly these origins.
    List(Vec<String>),
}

/// Limits of connections and calls.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Open connections of one network: an IPv4 address or an IPv6 /64; this host and trusted
    /// proxies are exempt.
    pub connections_per_ip: usize,
    /// Reads that run at once, and a quarter as many changes and sign-ins; as many again may wait a
    /// moment.
    pub calls: usize,
    /// Open streams.
    pub streams: usize,
    /// Open streams of one user.
    pub streams_per_user: usize,
    /// Open streams of one address that nobody signed in from.
    pub streams_per_ip: usize,
    /// How long a connection may take to say what it speaks, TLS included.
    pub handshake: Duration,
    /// When a connection without a new call is closed.
    pub idle: Duration,
    /// When a connection is asked to go, so that clients spread over new processes.
    pub age: Duration,
    /// The longest that a unary call may take.
    pub deadline: Duration,
    /// How long an answer waits for a reader who makes no room for it.
    pub unread: Duration,
    /// How long the server goes on serving at shutdown after it says that it is not
    /// ready, so that load balancers turn away first.
    pub pause: Duration,
    /// The longest that open calls may take at shutdown, after that pause.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_ip: 50,
            calls: 512,
            streams: 10_000,
            streams_per_user: 32,
            streams_per_ip: 100,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(5 * 60),
            age: Duration::from_secs(30 * 60),
            deadline: Duration::from_secs(10),
            unread: Duration::from_secs(30),
            pause: Duration::ZERO,
            drain: Duration::from_secs(15),
        }
    }
}
