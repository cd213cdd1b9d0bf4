//! Logins beside reads: whether hashing passwords keeps other calls waiting.

use souk::pb::souk::auth::v1::auth_service_client::AuthServiceClient;
use souk::pb::souk::auth::v1::{LoginRequest, RegisterRequest};
use tokio::task::JoinSet;
use tonic::Code;

use crate::calls::{Target, connect_all};
use crate::drive::{Effort, Measured, drive};

/// How many sign in at once, each to an account of its own.
const LOGINS: usize = 50;
const PASSWORD: &str = "rain on the tin roof";

/// The name of the read that is measured alone, and of the same beside the logins.
pub const QUIET: &str = "GetProduct";
pub const BESIDE: &str = "GetProduct beside 50 logins";

fn email(task: usize) -> String {
    format!("login{task}@example.com")
}

/// Opens the accounts that sign in.
async fn open_accounts(url: &str) {
    let channels = connect_all(url).await;
    let mut tasks = JoinSet::new();
    for task in 0..LOGINS {
        let mut auth = AuthServiceClient::new(channels[task % channels.len()].clone());
        tasks.spawn(async move {
            let request = RegisterRequest {
                email: email(task),
                password: PASSWORD.to_owned(),
                ..RegisterRequest::default()
            };
            auth.register(request).await.unwrap();
        });
    }
    tasks.join_all().await;
}

/// Reads while fifty callers sign in without a pause: the reads, and the logins.
pub async fn beside_reads(target: &Target, effort: Effort) -> [Measured; 2] {
    open_accounts(&target.url).await;
    let logins = Effort {
        tasks: LOGINS,
        ..effort
    };
    let (reads, logins) = tokio::join!(target.get_product(effort), logins_of(target, logins));
    // The CPU time of the one is not to be told from that of the other.
    [
        Measured {
            name: BESIDE.to_owned(),
            cpu: None,
            ..reads
        },
        Measured {
            cpu: None,
            ..logins
        },
    ]
}

async fn logins_of(target: &Target, effort: Effort) -> Measured {
    let channels = connect_all(&target.url).await;
    drive("Login, 50 at once", target.pid, effort, |task| {
        let auth = AuthServiceClient::new(channels[task % channels.len()].clone());
        move || {
            let mut auth = auth.clone();
            async move {
                let request = LoginRequest {
                    email: email(task),
                    password: PASSWORD.to_owned(),
                    device: None,
                };
                // Who waits too long is sent away; on a slow machine that is no fault.
                if let Err(status) = auth.login(request).await {
                    let late = [Code::DeadlineExceeded, Code::Unavailable];
                    assert!(late.contains(&status.code()), "{status:?}");
                }
            }
        }
    })
    .await
}
