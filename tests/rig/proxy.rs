//! A TCP proxy that cuts connections, at a byte of the reply or on command.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// No limit on the bytes of a reply.
const ENDLESS: u64 = u64::MAX;

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
}

/// One connection through the proxy.
struct Link {
    /// How many bytes of the reply still pass.
    left: AtomicU64,
    cut: Notify,
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
                let link = shared.open(limit().unwrap_or(ENDLESS));
                let state = shared.clone();
                running.spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await {
                        link.run(client, server, &state).await;
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

    /// Cuts every open connection after `bytes` more bytes of its reply; at once for 0.
    /// Tells whether there was one.
    pub fn cut_after(&self, bytes: u64) -> bool {
        let links = self.state.links.lock().unwrap();
        let mut any = false;
        for link in links.iter().filter_map(Weak::upgrade) {
            any = true;
            link.left.store(bytes, Ordering::SeqCst);
            if bytes == 0 {
                link.cut.notify_one();
            }
        }
        any
    }
}

impl State {
    fn open(&self, bytes: u64) -> Arc<Link> {
        let link = Arc::new(Link {
            left: AtomicU64::new(bytes),
            cut: Notify::new(),
        });
        let mut links = self.links.lock().unwrap();
        links.retain(|it| it.strong_count() > 0);
        links.push(Arc::downgrade(&link));
        link
    }
}

impl Link {
    async fn run(&self, client: TcpStream, server: TcpStream, state: &State) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let cut = tokio::select! {
            _ = tokio::io::copy(&mut from_client, &mut to_server) => false,
            reply = self.replies(&mut from_server, &mut to_client) => reply.unwrap_or(false),
            () = self.cut.notified() => true,
        };
        if cut {
            state.cuts.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Passes the reply on; true when it reached its limit.
    async fn replies(
        &self,
        from: &mut (impl AsyncReadExt + Unpin),
        to: &mut (impl AsyncWriteExt + Unpin),
    ) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(false);
            }
            let left = self.left.load(Ordering::SeqCst);
            let pass = read.min(usize::try_from(left).unwrap_or(usize::MAX));
            to.write_all(&buffer[..pass]).await?;
            if pass < read || left == pass as u64 {
                return Ok(true);
            }
            if left != ENDLESS {
                self.left.fetch_sub(pass as u64, Ordering::SeqCst);
            }
        }
    }
}
