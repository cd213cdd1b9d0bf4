use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that treats each connection as the test says, and counts them.
struct Peer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Peer {
    async fn start<F, Fut>(treat: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        crate::kernel::task::Tasks::default().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                crate::kernel::task::Tasks::default().spawn(treat(stream));
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// A server that answers every request with these words.
    async fn saying(words: String) -> Self {
        Self::start(move |mut stream| {
            let words = words.clone();
            async move {
                let mut request = [0; 4096];
                let _read = stream.read(&mut request).await;
                let _written = stream.write_all(words.as_bytes()).await;
                let _closed = stream.shutdown().await;
            }
        })
        .await
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A zone of the test's own.
struct Zone(HashMap<&'static str, Vec<IpAddr>>);

#[async_trait]
impl Names for Zone {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = self.0.get(name).cloned();
        found.ok_or_else(|| io::Error::other("no such name"))
    }
}

fn quick() -> Limits {
    Limits {
        connect: Duration::from_millis(500),
        total: Duration::from_millis(500),
        answer_max: 64 * 1024,
    }
}

fn local() -> Http {
    Http::new("test", Reach::ThisHostToo, quick()).unwrap()
}

async fn get(http: &Http, url: &str) -> Result<Answer> {
    http.send(http.request(Method::GET, url)).await
}

#[tokio::test]
async fn hostile_urls_reach_nothing() {
    let peer = Peer::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let port = peer.address.port();
    let http = Http::new("test", Reach::Public, quick()).unwrap();
    let hosts = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "10.0.0.1",
        "localhost",
        "LOCALHOST.",
        "user@127.0.0.1",
        "api.example.com@127.0.0.1",
    ];
    for host in hosts {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/");
            let refused = get(&http, &url).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::Unavailable, "{url}");
        }
    }
    for url in [
        "file:///etc/passwd",
        "ftp://1.1.1.1/",
        "//1.1.1.1",
        "",
        "gopher://x",
    ] {
        let refused = get(&http, url).await.unwrap_err();
        assert!(refused.is_permanent(), "{url}");
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_called() {
    let peer = Peer::saying("HTTP/1.1 204 No Content\r\n\r\n".to_owned()).await;
    let local: IpAddr = "127.0.0.1".parse().unwrap();
    let inside = ["10.0.0.7", "169.254.169.254", "fd00::1", "::ffff:127.0.0.1"];
    let zone = HashMap::from([
        ("inside.example", vec![local]),
        (
            "deep.example",
            inside.map(|text| text.parse().unwrap()).to_vec(),
        ),
    ]);
    let zone = Arc::new(Zone(zone));
    let port = peer.address.port();
    let public = Http::with_names("test", Reach::Public, quick(), zone.clone()).unwrap();
    for name in ["inside.example", "deep.example", "absent.example"] {
        let url = format!("https://{name}:{port}/");
        let refused = get(&public, &url).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable, "{name}");
    }
    assert_eq!(peer.connections(), 0);
    // The same name, where this host may be called: so the refusal was the resolver's.
    let here = Http::with_names("test", Reach::ThisHostToo, quick(), zone).unwrap();
    let answer = get(&here, &format!("http://inside.example:{port}/")).await;
    assert_eq!(answer.unwrap().status, 204);
    let deep = get(&here, &format!("http://deep.example:{port}/")).await;
    assert!(deep.is_err());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = Peer::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        target.url()
    );
    let peer = Peer::saying(redirect).await;
    let answer = get(&local(), &peer.url()).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let declared = Peer::saying(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}",
        100 * 1024 * 1024,
        "x".repeat(128 * 1024)
    ))
    .await;
    let endless = Peer::start(|mut stream| async move {
        let mut request = [0; 4096];
        let _read = stream.read(&mut request).await;
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    for peer in [declared, endless] {
        let refused = get(&local(), &peer.url()).await.unwrap_err();
        assert_eq!(refused.message(), "the answer is too large");
        assert!(!refused.is_permanent());
    }
    let fits = "x".repeat(64 * 1024);
    let whole = Peer::saying(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{fits}",
        fits.len()
    ))
    .await;
    assert_eq!(get(&local(), &whole.url()).await.unwrap().body, fits);
}

#[tokio::test]
async fn silence_and_dripping_end_with_the_time() {
    let silent = Peer::start(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let dripping = Peer::start(|mut stream| async move {
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for peer in [silent, dripping] {
        let (http, url) = (local(), peer.url());
        let call = get(&http, &url);
        let ended = tokio::time::timeout(Duration::from_secs(5), call).await;
        let refused = ended.unwrap().unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable);
        // What the log shows has no URL in it.
        assert!(!format!("{refused:?}").contains(&url));
    }
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_read() {
    for (header, wait) in [("7", Some(7)), ("-1", None), ("soon", None), ("9e9", None)] {
        let words =
            format!("HTTP/1.1 429 Too Many\r\nretry-after: {header}\r\ncontent-length: 0\r\n\r\n");
        let peer = Peer::saying(words).await;
        let answer = get(&local(), &peer.url()).await.unwrap();
        assert_eq!(
            answer.retry_after(),
            wait.map(Duration::from_secs),
            "{header}"
        );
    }
}
