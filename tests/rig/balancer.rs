//! A load balancer as clusters have it: connections go in turn to the processes that say
//! that they are ready, and a process that says no more keeps those that it has.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How often each process is asked whether it is ready.
const PERIOD: Duration = Duration::from_millis(50);
/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(1);

/// A balancer in front of several processes; its links end with it.
pub struct Balancer {
    address: SocketAddr,
    upstreams: Arc<Vec<Upstream>>,
    _running: JoinSet<()>,
}

struct Upstream {
    address: SocketAddr,
    ready: AtomicBool,
    links: AtomicUsize,
}

impl Balancer {
    /// A balancer that has asked every process once.
    pub async fn start(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = |address| Upstream {
            address,
            ready: AtomicBool::new(false),
            links: AtomicUsize::new(0),
        };
        let upstreams: Arc<Vec<_>> = Arc::new(addresses.into_iter().map(upstream).collect());
        let mut running = JoinSet::new();
        for index in 0..upstreams.len() {
            let shared = upstreams.clone();
            let ready = is_ready(shared[index].address).await;
            shared[index].ready.store(ready, Ordering::SeqCst);
            running.spawn(async move {
                let mut pace = tokio::time::interval(PERIOD);
                loop {
                    pace.tick().await;
                    let ready = is_ready(shared[index].address).await;
                    shared[index].ready.store(ready, Ordering::SeqCst);
                }
            });
        }
        let shared = upstreams.clone();
        running.spawn(async move { accept(listener, shared).await });
        Self {
            address,
            upstreams,
            _running: running,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many processes are ready.
    pub fn ready(&self) -> usize {
        let ready = |it: &&Upstream| it.ready.load(Ordering::SeqCst);
        self.upstreams.iter().filter(ready).count()
    }

    /// How many connections each process has got so far.
    pub fn links(&self) -> Vec<usize> {
        let links = |it: &Upstream| it.links.load(Ordering::SeqCst);
        self.upstreams.iter().map(links).collect()
    }
}

async fn accept(listener: TcpListener, upstreams: Arc<Vec<Upstream>>) {
    let mut links = JoinSet::new();
    let mut next = 0;
    while let Ok((mut client, _)) = listener.accept().await {
        while links.try_join_next().is_some() {}
        next += 1;
        let (upstreams, first) = (upstreams.clone(), next);
        links.spawn(async move {
            let Some(mut server) = connect(&upstreams, first).await else {
                return;
            };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            // Either side's end is the end of both, as they see it themselves.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

/// The next process in turn that is ready and answers.
async fn connect(upstreams: &[Upstream], first: usize) -> Option<TcpStream> {
    for turn in 0..upstreams.len() {
        let upstream = &upstreams[(first + turn) % upstreams.len()];
        if !upstream.ready.load(Ordering::SeqCst) {
            continue;
        }
        if let Ok(server) = TcpStream::connect(upstream.address).await {
            upstream.links.fetch_add(1, Ordering::SeqCst);
            return Some(server);
        }
        upstream.ready.store(false, Ordering::SeqCst);
    }
    None
}

async fn is_ready(address: SocketAddr) -> bool {
    let ask = async {
        let mut socket = TcpStream::connect(address).await.ok()?;
        let question = b"GET /health/ready HTTP/1.1\r\nHost: souk\r\nConnection: close\r\n\r\n";
        socket.write_all(question).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        answer.starts_with("HTTP/1.1 200").then_some(())
    };
    matches!(tokio::time::timeout(PATIENCE, ask).await, Ok(Some(())))
}
