//! Sockets that say nothing, or half of a greeting.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt;

use crate::raw::{PREFACE, dial, until_closed};
use crate::rig::pause;

/// Silent and half-open sockets are closed within this.
const LIMIT: Duration = Duration::from_secs(10);
/// Open connections of one address.
pub const PER_IP: usize = 50;

/// Opens so many sockets, fifty from each address, half of them with half a greeting.
pub async fn silent(to: SocketAddr, sockets: usize) -> String {
    let slowest = join_all((0..sockets).map(|nth| async move {
        let from = 2 + (nth / PER_IP) as u8;
        let mut socket = dial(from, to).await;
        if nth % 2 == 0 {
            let half = &PREFACE[..PREFACE.len() - 4];
            socket.write_all(half).await.unwrap();
        }
        let closed = until_closed(&mut socket, LIMIT).await;
        closed
            .unwrap_or_else(|| panic!("socket {nth} is open after {LIMIT:?}"))
            .1
    }));
    let slowest = slowest.await.into_iter().max().unwrap();
    format!("{sockets} silent sockets closed within {slowest:?}")
}

/// One address has its fifty connections and not one more.
pub async fn crowding(from: u8, to: SocketAddr) -> String {
    let mut greeted = Vec::new();
    for _ in 0..PER_IP {
        greeted.push(crate::raw::greet(from, to).await);
    }
    pause(Duration::from_millis(200)).await;
    let mut more = join_all((0..30).map(|_| dial(from, to))).await;
    for socket in &mut more {
        let closed = until_closed(socket, Duration::from_secs(2)).await;
        assert!(closed.is_some(), "a connection over the limit stays open");
    }
    let open = |socket: &tokio::net::TcpStream| {
        let mut bytes = [0u8; 1024];
        loop {
            match socket.try_read(&mut bytes) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
            }
        }
    };
    let held = greeted.iter().filter(|it| open(it)).count();
    assert_eq!(held, PER_IP, "connections within the limit stay open");
    drop(greeted);
    // Places come back once the server has seen that their holders are gone.
    let again = async {
        let mut socket = dial(from, to).await;
        while until_closed(&mut socket, Duration::from_millis(200))
            .await
            .is_some()
        {
            socket = dial(from, to).await;
        }
    };
    let again = tokio::time::timeout(LIMIT, again).await;
    assert!(again.is_ok(), "no place comes back");
    format!(
        "one address: {held} connections held, {} refused",
        more.len()
    )
}
