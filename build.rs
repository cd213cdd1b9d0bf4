//! Compiles the contract: the protos under `proto/` become Rust messages, gRPC
//! services, their JSON form, and the tables that the server enforces. It runs as
//! the build script of the `contract` member and needs no protoc.

#[path = "build/collections.rs"]
mod collections;
#[path = "build/enums.rs"]
mod enums;
#[path = "build/messages.rs"]
mod messages;
#[path = "build/methods.rs"]
mod methods;
#[path = "build/names.rs"]
mod names;
#[path = "build/nulls.rs"]
mod nulls;
#[path = "build/policy.rs"]
mod policy;
#[path = "build/raw.rs"]
mod raw;
#[path = "build/routes.rs"]
mod routes;
#[path = "build/rules.rs"]
mod rules;
#[path = "build/schema.rs"]
mod schema;
#[path = "build/secrets.rs"]
mod secrets;
#[path = "build/validate.rs"]
mod validate;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use schema::Schema;

fn main() -> ExitCode {
    for input in ["../proto", "../build", "../build.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            for problem in problems {
                // A directive ends at the line's end, so every line is its own.
                for line in problem.lines() {
                    println!("cargo::error={line}");
                }
            }
            ExitCode::FAILURE
        }
    }
}

/// Writes everything into OUT_DIR, or names every problem of the contract at once.
#[expect(
    clippy::disallowed_methods,
    reason = "a build script is told where to write by the environment"
)]
fn compile() -> Result<(), Vec<String>> {
    let out_dir = std::env::var_os("OUT_DIR").ok_or_else(|| vec!["OUT_DIR is not set".into()])?;
    let out_dir = PathBuf::from(out_dir);
    let schema = Schema::load(Path::new("../proto")).map_err(|problem| vec![problem])?;

    let tables = [
        ("policy.rs", policy::generate(&schema)),
        ("validate.rs", validate::generate(&schema)),
        ("routes.rs", routes::generate(&schema)),
        ("methods.rs", methods::generate(&schema)),
        ("enums.rs", enums::generate(&schema)),
        ("secrets.rs", secrets::generate(&schema)),
    ];
    let problems = schema.take_problems();
    if !problems.is_empty() {
        return Err(problems);
    }

    messages::generate(&schema, &out_dir).map_err(|problem| vec![problem])?;
    for (name, code) in tables {
        let path = out_dir.join(name);
        std::fs::write(&path, code).map_err(|error| vec![format!("{name}: {error}")])?;
    }
    Ok(())
}
