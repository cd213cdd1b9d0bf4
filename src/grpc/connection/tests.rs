use std::net::Ipv4Addr;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::grpc::tests;

fn shared() -> Shared {
    let config = tests::config();
    let (calls, edge) = tests::parts(&config);
    Shared {
        front: Front::new(calls, edge, &config),
        tls: None,
        limits: config.limits,
        stopping: CancellationToken::new(),
        tally: Tally::default(),
        meter: ConnectionMeter::new(),
    }
}

/// How a connection ends whose client chose HTTP/2 and then says only this; nothing while
/// it goes on.
async fn end_after(words: &[u8], shared: &Shared) -> Option<Outcome> {
    let (mut client, server) = tokio::io::duplex(1024);
    client.write_all(words).await.unwrap();
    let spoken = speak(server, true, Ipv4Addr::LOCALHOST.into(), shared);
    timeout(shared.limits.handshake * 5, spoken).await.ok()
}

#[tokio::test]
async fn who_chose_http_2_and_does_not_begin_is_hung_up_on() {
    let shared = shared();
    for words in [&b""[..], &PREFACE[..PREFACE.len() - 1]] {
        let end = end_after(words, &shared).await;
        assert!(end.unwrap().is_err());
    }
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let begun = [&PREFACE[..], &settings].concat();
    assert!(end_after(&begun, &shared).await.is_none());
}
