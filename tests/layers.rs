//! Who may import whom. Walks `src/` and fails on an import against the arrows that
//! docs/ARCHITECTURE.md draws.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on must stop, in its helpers too"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What a room may import: other rooms of this crate, and the guarded outside crates.
struct Room {
    path: &'static str,
    rooms: &'static [&'static str],
    crates: &'static [&'static str],
}

/// Crates that belong to some rooms only. Every other crate is free.
const GUARDED: [&str; 13] = [
    "tonic",
    "sea_orm",
    "sqlx",
    "souk_contract",
    "moka",
    "hyper_util",
    "async_graphql",
    "fred",
    "metrics_exporter_prometheus",
    "opentelemetry",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "tracing_opentelemetry",
];

/// Most particular path first: the first one that is a prefix decides.
const ROOMS: [Room; 25] = [
    Room {
        path: "main",
        rooms: &["cli", "telemetry", "config", "app"],
        crates: &[],
    },
    Room {
        path: "lib",
        rooms: &[],
        crates: &[],
    },
    Room {
        path: "pb",
        rooms: &[],
        crates: &["souk_contract"],
    },
    Room {
        path: "telemetry",
        rooms: &["config", "kernel"],
        crates: &[
            "metrics_exporter_prometheus",
            "opentelemetry",
            "opentelemetry_otlp",
            "opentelemetry_sdk",
            "tracing_opentelemetry",
        ],
    },
    Room {
        path: "kernel/trace",
        rooms: &["kernel"],
        crates: &[
            "opentelemetry",
            "opentelemetry_sdk",
            "tracing_opentelemetry",
        ],
    },
    Room {
        path: "kernel",
        rooms: &["kernel"],
        crates: &[],
    },
    Room {
        path: "config",
        rooms: &["config", "kernel", "db", "grpc", "cache", "jobs", "events"],
        crates: &[],
    },
    Room {
        path: "db",
        rooms: &["db", "kernel"],
        crates: &["sea_orm", "sqlx"],
    },
    Room {
        path: "cache",
        rooms: &["cache", "kernel"],
        crates: &["moka", "fred"],
    },
    // Hints travel over the connection that the cache keeps.
    Room {
        path: "events/bus",
        rooms: &["events", "cache", "db", "kernel"],
        crates: &[],
    },
    Room {
        path: "events",
        rooms: &["events", "db", "kernel", "jobs"],
        crates: &["sea_orm"],
    },
    Room {
        path: "jobs",
        rooms: &["jobs", "db", "kernel"],
        crates: &["sea_orm"],
    },
    Room {
        path: "clients",
        rooms: &["clients", "kernel"],
        crates: &[],
    },
    Room {
        path: "grpc",
        rooms: &["grpc", "kernel", "pb", "cache", "db"],
        crates: &["tonic", "hyper_util"],
    },
    Room {
        path: "edge/graphql",
        rooms: &["edge", "kernel", "pb"],
        crates: &["tonic", "async_graphql"],
    },
    Room {
        path: "edge",
        rooms: &["edge", "kernel", "pb"],
        crates: &["tonic", "hyper_util"],
    },
    Room {
        path: "files",
        rooms: &["files", "edge", "clients", "kernel", "pb"],
        crates: &[],
    },
    Room {
        path: "services/*/grpc",
        rooms: &[
            "services", "grpc", "pb", "kernel", "db", "events", "jobs", "cache",
        ],
        crates: &["tonic"],
    },
    Room {
        path: "services/*/convert",
        rooms: &["services", "grpc", "pb", "kernel", "events", "jobs"],
        crates: &["tonic"],
    },
    Room {
        path: "services/*/watch",
        rooms: &["services", "grpc", "pb", "kernel", "events", "db"],
        crates: &["tonic"],
    },
    Room {
        path: "services/*/store",
        rooms: &["services", "kernel", "db"],
        crates: &["sea_orm"],
    },
    Room {
        path: "services/*/entity",
        rooms: &["services", "kernel", "db"],
        crates: &["sea_orm"],
    },
    Room {
        path: "services",
        rooms: &[
            "services", "kernel", "db", "events", "jobs", "cache", "clients",
        ],
        crates: &[],
    },
    Room {
        path: "check",
        rooms: &["check", "clients", "db", "kernel", "services"],
        crates: &["sea_orm"],
    },
    // The assembly, the command line and the demo join everything.
    Room {
        path: "",
        rooms: &["*"],
        crates: &["tonic", "hyper_util"],
    },
];

/// Services from left to right: right may call left, never the other way.
const SERVICES: [&str; 14] = [
    "users",
    "auth",
    "stores",
    "catalog",
    "media",
    "inventory",
    "reels",
    "shipping",
    "cart",
    "orders",
    "b2b",
    "delivery",
    "analytics",
    "ops",
];

#[test]
fn every_import_follows_the_arrows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut problems = String::new();
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(
        files.len() > 20,
        "the walk found only {} files",
        files.len()
    );
    for file in files {
        let path = file
            .strip_prefix(&root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        for breach in breaches(&path, &text) {
            writeln!(problems, "src/{path}: {breach}").unwrap();
        }
    }
    assert!(
        problems.is_empty(),
        "imports against the arrows:\n{problems}"
    );
}

#[test]
fn a_forbidden_import_is_found() {
    let cases = [
        ("kernel/id.rs", "use crate::db::Db;", true),
        ("kernel/id.rs", "use sea_orm::Value;", true),
        ("kernel/id.rs", "use crate::kernel::Time;", false),
        (
            "services/orders/place.rs",
            "use crate::services::catalog::SaleItem;",
            false,
        ),
        (
            "services/catalog/mod.rs",
            "use crate::services::orders::Order;",
            true,
        ),
        (
            "services/orders/place.rs",
            "use crate::services::catalog::store::find;",
            true,
        ),
        (
            "services/orders/place.rs",
            "fn f() { crate::pb::souk::orders(); }",
            true,
        ),
        ("services/orders/place.rs", "use tonic::Status;", true),
        ("services/orders/grpc.rs", "use tonic::Status;", false),
        (
            "services/orders/place/guest.rs",
            "use sea_orm::Value;",
            true,
        ),
        (
            "services/orders/store/lists.rs",
            "use sea_orm::Value;",
            false,
        ),
        ("edge/mod.rs", "use crate::services::orders::Orders;", true),
        ("grpc/mod.rs", "use crate::services::orders::Orders;", true),
        ("app.rs", "use crate::services::orders::Orders;", false),
        ("kernel/id.rs", "// crate::db is far away", false),
        ("cache/redis.rs", "use fred::clients::Pool;", false),
        ("events/bus/redis.rs", "use fred::clients::Pool;", true),
        ("events/bus/redis.rs", "use crate::cache::Redis;", false),
        ("events/tailer.rs", "use crate::cache::Redis;", true),
    ];
    for (path, line, forbidden) in cases {
        assert_eq!(
            !breaches(path, line).is_empty(),
            forbidden,
            "{path}: {line}"
        );
    }
}

#[test]
fn one_tls_library_is_in_the_tree() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    for banned in ["openssl", "openssl-sys", "native-tls"] {
        assert!(
            !lock.contains(&format!("name = \"{banned}\"\n")),
            "{banned} is in the tree"
        );
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// The imports of one file that its room does not allow.
fn breaches(path: &str, text: &str) -> Vec<String> {
    let room = ROOMS.iter().find(|room| matches(room.path, path)).unwrap();
    let mut found = Vec::new();
    for line in text.lines().map(code).filter(|line| !line.is_empty()) {
        for imported in after_each(line, "crate::") {
            let target = word(imported);
            if !room.rooms.contains(&"*") && !room.rooms.contains(&target) {
                found.push(format!("imports crate::{target}"));
            }
            if let (Some(own), Some(rest)) = (service_of(path), imported.strip_prefix("services::"))
            {
                found.extend(service_breach(own, rest));
            }
        }
        for guarded in GUARDED {
            let uses = after_each(line, &format!("{guarded}::"));
            if !uses.is_empty() && !room.crates.contains(&guarded) {
                found.push(format!("uses {guarded}"));
            }
        }
    }
    found
}

/// A service may use those to its left, and of them only what their `mod.rs` offers.
fn service_breach(own: &str, rest: &str) -> Option<String> {
    let other = word(rest);
    if other == own {
        return None;
    }
    let place = |name: &str| SERVICES.iter().position(|service| *service == name);
    match (place(own), place(other)) {
        (Some(right), Some(left)) if left < right => {
            let inner = rest[other.len()..].strip_prefix("::").map(word)?;
            ["store", "entity", "grpc", "convert", "state"]
                .contains(&inner)
                .then(|| format!("reaches into services::{other}::{inner}"))
        }
        _ => Some(format!("services::{own} imports services::{other}")),
    }
}

fn service_of(path: &str) -> Option<&str> {
    path.strip_prefix("services/")?
        .split_once('/')
        .map(|(name, _)| name)
}

/// Whether a room's path, in which `*` stands for one folder, begins the file's path.
fn matches(room: &str, path: &str) -> bool {
    if room.is_empty() {
        return true;
    }
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let mut parts = stem.split('/');
    room.split('/')
        .all(|want| parts.next().is_some_and(|have| want == "*" || have == want))
}

fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("").trim()
}

/// What follows each occurrence of `needle` that begins a word.
fn after_each<'a>(line: &'a str, needle: &str) -> Vec<&'a str> {
    line.match_indices(needle)
        .filter(|(at, _)| {
            let before = line[..*at].chars().next_back();
            !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
        })
        .map(|(at, _)| &line[at + needle.len()..])
        .collect()
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    &text[..end.unwrap_or(text.len())]
}
