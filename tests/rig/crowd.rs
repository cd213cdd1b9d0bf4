//! Many people, each with an account.

use futures_util::stream::{self, StreamExt};

use super::client::Caller;

/// Sign-ins at once.
const AT_ONCE: usize = 16;
/// Connections that they share.
const CONNECTIONS: usize = 16;

/// Signs in so many people, each from an address of its own: one address may ask for a few
/// one-time passwords only. The server must trust 127.0.0.1 to tell addresses on.
pub async fn crowd(url: &str, people: usize) -> Vec<Caller> {
    let connections: Vec<_> = (0..CONNECTIONS).map(|_| Caller::patient(url)).collect();
    let sign_in = |person: usize| {
        let guest = &connections[person % CONNECTIONS];
        let address = format!("10.{}.{}.1", person / 250, person % 250);
        async move {
            guest
                .sign_in_from(&format!("0770{person:06}"), &address)
                .await
        }
    };
    let signing_in = stream::iter((0..people).map(sign_in));
    signing_in.buffered(AT_ONCE).collect().await
}
