//! A TCP proxy that cuts connections, at a byte of the reply or on command.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A proxy in front of one server; its links end with it.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct State {
    links: Mutex<Vec<Weak<Notify>>>,
    cuts: AtomicUsize,
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
                        && pass(client, server, limit, &link).await
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

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were cut so far.
    pub fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// Cuts every open connection.
    pub fn cut(&self) {
        let links = self.state.links.lock().unwrap();
        for link in links.iter().filter_map(Weak::upgrade) {
            link.notify_one();
        }
    }
}

impl State {
    /// A new connection, and what cuts it.
    fn open(&self) -> Arc<Notify> {
        let link = Arc::new(Notify::new());
        let mut links = self.links.lock().unwrap();
        links.retain(|it| it.strong_count() > 0);
        links.push(Arc::downgrade(&link));
        link
    }
}

/// Passes bytes on until one side ends, the reply reaches its limit, or `cut` is told.
/// Tells whether the connection was cut.
async fn pass(client: TcpStream, server: TcpStream, limit: u64, cut: &Notify) -> bool {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let mut reply = from_server.take(limit);
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => false,
        passed = tokio::io::copy(&mut reply, &mut to_client) => passed.is_ok_and(|it| it == limit),
        () = cut.notified() => true,
    }
}
