//! A TCP proxy that cuts connections, at a byte of the reply or on command, holds back
//! what passes, forgets connections, or delays them.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::wait::pause;

/// A proxy in front of one server; its links end with it.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct State {
    links: Mutex<Vec<Weak<Link>>>,
    cuts: AtomicUsize,
    frozen: watch::Sender<bool>,
    delay_ms: AtomicU64,
}

/// One connection.
#[derive(Default)]
struct Link {
    cut: Notify,
    forgotten: AtomicBool,
}

impl Proxy {
    /// A proxy that cuts nothing by itself.
    pub async fn start(target: SocketAddr) -> Self {
        Self::cutting(target, || None).await
    }

    /// A proxy that asks `limit`, for every new connection, after how many bytes of the
    /// reply to cut it.
    pub async fn cutting(
        target: SocketAddr,
        mut limit: impl FnMut() -> Option<u64> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut running = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while running.try_join_next().is_some() {}
                let (link, limit) = (shared.open(), limit().unwrap_or(u64::MAX));
                let state = shared.clone();
                running.spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await
                        && pass(client, server, limit, &link, &state).await
                    {
                        state.cuts.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Self {
            address,
            state,
            _accepting: accepting,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were cut so far.
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// From now on holds back what either side sends, or passes it on again. Connections
    /// stay open all the while, as with a network that loses everything for a while.
    pub fn freeze(&self, frozen: bool) {
        self.state.frozen.send_replace(frozen);
    }

    /// Forgets every open connection: whatever either side sends on it is lost, its end too,
    /// and neither hears of it, as when a host loses its power, or a firewall its memory.
    /// New ones work.
    pub fn forget(&self) {
        let links = self.state.links.lock().unwrap();
        for link in links.iter().filter_map(Weak::upgrade) {
            link.forgotten.store(true, Ordering::SeqCst);
        }
    }

    /// From now on what either side sends arrives this much later.
    pub fn delay(&self, delay: Duration) {
        let delay = delay.as_millis() as u64;
        self.state.delay_ms.store(delay, Ordering::SeqCst);
    }

    /// Cuts every open connection.
    pub fn cut(&self) {
        let links = self.state.links.lock().unwrap();
        for link in links.iter().filter_map(Weak::upgrade) {
            link.cut.notify_one();
        }
    }
}

impl Link {
    /// Never returns once the connection is forgotten.
    async fn unless_forgotten(&self) {
        if self.forgotten.load(Ordering::SeqCst) {
            pending().await
        }
    }
}

impl State {
    /// A new connection.
    fn open(&self) -> Arc<Link> {
        let link = Arc::new(Link::default());
        let mut links = self.links.lock().unwrap();
        links.retain(|it| it.strong_count() > 0);
        links.push(Arc::downgrade(&link));
        link
    }
}

/// Passes bytes on until one side ends, the reply reaches its limit, or `link` is cut.
/// Tells whether the connection was cut.
async fn pass(
    client: TcpStream,
    server: TcpStream,
    limit: u64,
    link: &Link,
    state: &State,
) -> bool {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let reply = from_server.take(limit);
    tokio::select! {
        _ = copy(from_client, to_server, link, state) => false,
        passed = copy(reply, to_client, link, state) => passed.is_ok_and(|it| it == limit),
        () = link.cut.notified() => true,
    }
}

/// Copies until the end, and gives the number of bytes; nothing moves while frozen, and
/// nothing ever again once the link is forgotten.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    link: &Link,
    state: &State,
) -> io::Result<u64> {
    let mut frozen = state.frozen.subscribe();
    let mut passed = 0;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await;
        link.unless_forgotten().await;
        let len = read?;
        if frozen.wait_for(|frozen| !frozen).await.is_err() || len == 0 {
            return Ok(passed);
        }
        let delay = state.delay_ms.load(Ordering::SeqCst);
        if delay > 0 {
            pause(Duration::from_millis(delay)).await;
        }
        link.unless_forgotten().await;
        to.write_all(&buffer[..len]).await?;
        passed += len as u64;
    }
}
