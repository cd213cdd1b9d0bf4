//! souk: a marketplace backend. gRPC first, JSON from the same contract, on
//! SQLite alone or PostgreSQL with as many equal processes as you like.
//!
//! Start at `docs/ARCHITECTURE.md`; each module says what it owns.

pub mod app;
pub mod cache;
pub mod check;
pub mod cli;
pub mod clients;
pub mod config;
pub mod db;
pub mod demo;
pub mod edge;
pub mod events;
pub mod files;
pub mod grpc;
pub mod jobs;
pub mod kernel;
pub mod pb;
pub mod services;
pub mod telemetry;
