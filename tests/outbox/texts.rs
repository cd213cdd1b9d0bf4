//! The same with the product's own work: one-time passwords, sent through a stand-in for
//! Twilio by `souk worker` processes beside a server that runs no jobs.

use std::collections::HashMap;
use std::time::Duration;

use souk::pb::souk::auth::v1::RequestOtpRequest;
use souk::pb::souk::auth::v1::auth_service_client::AuthServiceClient;
use souk::pb::souk::ops::v1::{Job, ListJobsRequest, job};
use tonic::Request;
use tonic::transport::Endpoint;

use crate::rig::{Caller, Kind, Souk, pause, until};
use twilio::{FakeTwilio, Reply};

#[allow(
    clippy::disallowed_methods,
    dead_code,
    reason = "it serves the other suite, which spawns freely and uses all of it"
)]
#[path = "../it/support/twilio.rs"]
mod twilio;

const FIRST: usize = 40;
const LATER: usize = 20;
/// Jobs of a queue that one worker runs at once, unless it is told otherwise.
const CONCURRENCY: usize = 4;
/// How long a worker may take to end.
const END: Duration = Duration::from_secs(30);

pub async fn each_text_is_sent_by_workers_that_come_and_go() {
    let twilio = FakeTwilio::start().await;
    // Some calls fail, and two get no answer before their workers die.
    let replies = [
        Reply::Broken,
        Reply::Created,
        Reply::Broken,
        Reply::Created,
        Reply::Silent,
        Reply::Silent,
    ];
    twilio.will(replies);
    let mut server = Souk::install("texts").await.with(&settings(&twilio));
    server.start().await;
    let size = if Kind::chosen() == Kind::Postgres {
        2
    } else {
        1
    };
    let mut workers: Vec<Souk> = (0..size).map(|_| server.twin()).collect();
    workers.iter_mut().for_each(Souk::start_worker);

    ask(&server, 0..FIRST).await;
    until("calls that get no answer", || twilio.calls() >= 6).await;
    for worker in &mut workers {
        worker.kill();
        worker.start_worker();
    }
    ask(&server, FIRST..FIRST + LATER).await;
    let mut ended = Duration::ZERO;
    for worker in &mut workers {
        ended = ended.max(worker.end(END).await);
        worker.start_worker();
    }

    let all = FIRST + LATER;
    let jobs = quiet(&server, all).await;
    let texts = twilio.texts();
    let mut bodies: HashMap<&str, &str> = HashMap::new();
    for text in &texts {
        let known = bodies.entry(&text["To"]).or_insert(&text["Body"]);
        assert_eq!(*known, text["Body"], "{} got two passwords", text["To"]);
    }
    assert_eq!(bodies.len(), all, "somebody got no text");
    let repeats = texts.len() - all;
    assert!(repeats <= size * CONCURRENCY, "{repeats} repeats");
    let again = jobs.iter().filter(|job| job.attempts > 1).count();
    assert!(again >= 4, "only {again} texts needed another try");
    server.check();
    println!(
        "{}: {all} texts by {size} workers that were killed and ended, {again} in more than \
         one try, {repeats} repeats; ended within {ended:?}",
        server.database.kind()
    );
    for mut worker in workers {
        worker.end(END).await;
    }
    server.remove().await;
}

fn settings(twilio: &FakeTwilio) -> Vec<(&'static str, &'static str)> {
    let ours = [
        ("JOBS", "off"),
        ("JOBS_LEASE", "3s"),
        ("TRUST_PROXY", "127.0.0.1"),
    ];
    let theirs = twilio.settings().map(|(name, value)| {
        let name: &'static str = String::leak(name.to_owned());
        let value: &'static str = String::leak(value.to_owned());
        (name, value)
    });
    ours.into_iter().chain(theirs).collect()
}

/// Asks for a one-time password for each of these phones.
async fn ask(server: &Souk, phones: std::ops::Range<usize>) {
    let channel = Endpoint::from_shared(server.url()).unwrap().connect_lazy();
    let mut auth = AuthServiceClient::new(channel);
    for phone in phones {
        let mut wish = Request::new(RequestOtpRequest {
            phone: format!("0661{phone:06}"),
        });
        // Each from a place of its own: one place may ask for a few only.
        let place = format!("198.51.100.{phone}").parse().unwrap();
        wish.metadata_mut().insert("x-forwarded-for", place);
        auth.request_otp(wish).await.unwrap();
    }
}

/// Waits until every text is sent.
async fn quiet(server: &Souk, all: usize) -> Vec<Job> {
    let admin = Caller::guest(&server.url()).with_token(server.admin_token());
    let mut patience = 600;
    loop {
        let wish = ListJobsRequest {
            queue: "sms".to_owned(),
            limit: 100,
            ..ListJobsRequest::default()
        };
        let listed = admin.ops().list_jobs(admin.ask(wish)).await.unwrap();
        let jobs = listed.into_inner().jobs;
        if jobs.iter().all(|job| job.state() == job::State::Done) {
            assert_eq!(jobs.len(), all);
            return jobs;
        }
        patience -= 1;
        assert!(patience > 0, "texts are not sent: {jobs:?}");
        pause(Duration::from_millis(50)).await;
    }
}
