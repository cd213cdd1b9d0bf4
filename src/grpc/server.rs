//! The port: accepting connections within bounds, and draining them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use super::calls::Calls;
use super::client_ip::owner;
use super::config::ServerConfig;
use super::connection::{self, Shared};
use super::drain::Tally;
use super::front::{Edge, Front};
use super::meter::ConnectionMeter;
use super::tls::Tls;
use crate::kernel::seats::{Full, Seats};
use crate::kernel::task::Tasks;

/// Connections that the system keeps for us until we accept them.
const BACKLOG: u32 = 1024;

/// A bound port that serves nothing yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    config: ServerConfig,
}

impl Server {
    /// Binds the port, so that a taken one is told before anything starts.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub fn bind(config: ServerConfig) -> io::Result<Self> {
        let address = SocketAddr::new(config.host, config.port);
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // A restart must not wait for connections of the process before it.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        Ok(Self { listener, config })
    }

    /// The address that is bound.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Prepares to serve.
    ///
    /// # Errors
    /// When the certificate or its key cannot be read.
    pub fn with(self, calls: Calls, edge: Edge) -> io::Result<Serving> {
        let connections = Tasks::default();
        let limits = self.config.limits.clone();
        Ok(Serving {
            seats: Seats::new(limits.connections, limits.connections_per_ip),
            shared: Arc::new(Shared {
                front: Front::new(calls.clone(), edge, &self.config),
                tls: self.config.tls.clone().map(Tls::new).transpose()?,
                limits,
                stopping: connections.stopping(),
                tally: Tally::default(),
                meter: ConnectionMeter::new(),
            }),
            calls,
            listener: self.listener,
            connections,
            config: self.config,
        })
    }
}

/// A port that is ready to serve.
pub struct Serving {
    listener: TcpListener,
    config: ServerConfig,
    seats: Seats<IpAddr>,
    shared: Arc<Shared>,
    calls: Calls,
    connections: Tasks,
}

impl Serving {
    /// Serves until `stop` fires; then accepts nothing more and lets open calls end,
    /// within the drain limit.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer),
                    Err(error) => {
                        // Out of file handles, most likely: the next try needs a pause.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
        // Those that the system accepted already were promised an answer.
        while let Some(Ok((stream, peer))) = self.listener.accept().now_or_never() {
            self.admit(stream, peer);
        }
        self.drain().await;
    }

    /// Tells every connection and stream to end, waits for them, and says how it went.
    async fn drain(self) {
        drop(self.listener);
        let open = self.seats.count();
        let (calls, streams) = self.calls.open();
        self.calls.stop();
        let limit = self.shared.limits.drain + Duration::from_secs(1);
        self.connections.stop(limit).await;
        let (cut, calls_cut) = self.shared.tally.counts();
        tracing::info!(
            connections.drained = open.saturating_sub(cut),
            connections.cut = cut,
            calls.open = calls,
            streams.open = streams,
            calls.cut = calls_cut,
            "the port is closed"
        );
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let peer = peer.ip().to_canonical();
        let meter = &self.shared.meter;
        let owner = owner(peer, &self.config.trusted_proxies);
        let seat = match self.seats.take(owner) {
            Ok(seat) => seat,
            Err(full) => {
                match full {
                    Full::InAll => meter.over_total.increment(1),
                    Full::OfOwner => meter.over_address.increment(1),
                }
                tracing::debug!(%peer, "a connection over the limit was closed");
                return;
            }
        };
        meter.let_in.increment(1);
        // Answers are whole when they are written; waiting to fill packets only delays.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let shared = self.shared.clone();
        self.connections.spawn(async move {
            shared.meter.open.increment(1.0);
            let open = shared.meter.open.clone();
            connection::serve(stream, peer, shared).await;
            open.decrement(1.0);
            drop(seat);
        });
    }
}
