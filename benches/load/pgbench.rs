//! What PostgreSQL gives to the statements of PlaceOrder when nothing stands between:
//! pgbench runs them in one transaction, with as many clients as souk gets.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use uuid::Uuid;

use crate::drive::{Effort, Measured};
use crate::rig::{Database, Dice};

/// Clients at once, for souk and for pgbench.
pub const CLIENTS: usize = 16;

/// Different pairs of products, so that clients meet at a product as rarely as those of
/// souk do.
const PAIRS: usize = 64;

/// The transaction of an order of two products by a guest.
const SCRIPT: &str = include_str!("place_order.sql");

/// What the script is filled in with.
pub struct Goods {
    pub store: Uuid,
    pub owner: Uuid,
    pub products: Vec<Uuid>,
}

pub async fn run(database: &Database, goods: &Goods, effort: Effort) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::of(1);
    let mut command = Command::new(program());
    command
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
        .arg(format!("--client={}", effort.tasks))
        .arg(format!("--time={}", effort.time.as_secs()));
    for pair in 0..PAIRS {
        let chosen = dice.indexes(goods.products.len(), 2);
        let path = folder.path().join(format!("{pair}.sql"));
        fs::write(&path, script(goods, chosen[0], chosen[1])).unwrap();
        command.arg("--file").arg(path);
    }
    // The client waits in a thread of its own, so that the runtime stays free.
    command.arg(database.url());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().expect("pgbench runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Measured {
        name: "pgbench".to_owned(),
        rate: figure(&text, "tps = "),
        latency: None,
        cpu: None,
    }
}

fn script(goods: &Goods, first: usize, second: usize) -> String {
    SCRIPT
        .replace("{store}", &goods.store.to_string())
        .replace("{owner}", &goods.owner.to_string())
        .replace("{first}", &goods.products[first].to_string())
        .replace("{second}", &goods.products[second].to_string())
}

/// The number after `label`.
fn figure(text: &str, label: &str) -> f64 {
    let (_, rest) = text.split_once(label).expect(label);
    let number = rest.split_whitespace().next().unwrap();
    number.parse().unwrap()
}

/// Debian keeps pgbench beside the server, out of PATH; the newest one is taken.
fn program() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/pgbench")))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| "pgbench".into())
}
