//! Where the messages go: an HTTP service that fails at times, dawdles at times, and
//! never takes some of them. It writes down every visit.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::rig::{Dice, pause};

/// One request to the sink.
#[derive(Debug, Clone)]
pub struct Visit {
    pub number: usize,
    /// The job's id, as text.
    pub id: String,
    pub attempt: i32,
    pub came: Instant,
    pub answered: Instant,
    pub accepted: bool,
}

#[derive(Clone)]
pub struct Sink {
    pub url: String,
    state: Arc<State>,
    _accepting: Arc<Mutex<JoinSet<()>>>,
}

struct State {
    dice: Mutex<Dice>,
    poison: BTreeSet<usize>,
    healed: AtomicBool,
    visits: Mutex<Vec<Visit>>,
    /// Requests of each worker that take long and will be taken.
    slow: Mutex<HashMap<String, usize>>,
}

impl Sink {
    pub async fn start(dice: Dice, poison: BTreeSet<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            dice: Mutex::new(dice),
            poison,
            healed: AtomicBool::new(false),
            visits: Mutex::default(),
            slow: Mutex::default(),
        });
        let mut accepting = JoinSet::new();
        let shared = state.clone();
        accepting.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                while links.try_join_next().is_some() {}
                let state = shared.clone();
                let service = service_fn(move |request| {
                    let state = state.clone();
                    async move { Ok::<_, Infallible>(state.answer(request).await) }
                });
                links.spawn(async move {
                    // A worker that is killed breaks its links.
                    let _broken = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            url,
            state,
            _accepting: Arc::new(Mutex::new(accepting)),
        }
    }

    /// From now on it takes everything, at once.
    pub fn heal(&self) {
        self.state.healed.store(true, Ordering::SeqCst);
    }

    pub fn visits(&self) -> Vec<Visit> {
        self.state.visits.lock().unwrap().clone()
    }

    /// Messages taken so far.
    pub fn accepted(&self) -> usize {
        let visits = self.state.visits.lock().unwrap();
        visits.iter().filter(|visit| visit.accepted).count()
    }

    /// Whether a request of this worker is being answered slowly right now.
    pub fn dawdles_for(&self, worker: &str) -> bool {
        let slow = self.state.slow.lock().unwrap();
        slow.get(worker).is_some_and(|count| *count > 0)
    }
}

/// A request that takes long, counted until it is answered or its worker is gone.
struct Slow<'a>(&'a Mutex<HashMap<String, usize>>, String);

impl<'a> Slow<'a> {
    fn count(all: &'a Mutex<HashMap<String, usize>>, worker: String) -> Self {
        *all.lock().unwrap().entry(worker.clone()).or_default() += 1;
        Self(all, worker)
    }
}

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap().entry(self.1.clone()).or_default() -= 1;
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let came = Instant::now();
        let header = |name: &str| {
            let value = request.headers().get(name);
            value.unwrap().to_str().unwrap().to_owned()
        };
        let (id, worker) = (header("idempotency-key"), header("x-worker"));
        let attempt = header("x-attempt").parse().unwrap();
        let Ok(body) = request.into_body().collect().await else {
            return Response::new(Full::default());
        };
        let number: usize = serde_json::from_slice(&body.to_bytes()).unwrap();
        let (status, delay) = self.decide(number);
        if let Some(delay) = delay {
            // Of those that are refused in the end no late effect can come.
            let _slow = (status == 200).then(|| Slow::count(&self.slow, worker));
            pause(delay).await;
        }
        self.visits.lock().unwrap().push(Visit {
            number,
            id,
            attempt,
            came,
            answered: Instant::now(),
            accepted: status == 200,
        });
        let mut response = Response::new(Full::default());
        *response.status_mut() = status.try_into().unwrap();
        response
    }

    /// The status, and how long it takes when it takes long.
    fn decide(&self, number: usize) -> (u16, Option<Duration>) {
        if self.healed.load(Ordering::SeqCst) {
            return (200, None);
        }
        if self.poison.contains(&number) {
            return (500, None);
        }
        let mut dice = self.dice.lock().unwrap();
        let status = if dice.chance(10) { 503 } else { 200 };
        let slow = dice.chance(5);
        let delay = slow.then(|| Duration::from_millis(dice.number(100..=600)));
        (status, delay)
    }
}
