//! Training and studies: from a configuration to a folder of results.
//!
//! Nothing here prints or knows a terminal: whoever calls watches through an [`Observer`].

// The same bits on every platform: see clippy.toml.
#![deny(clippy::disallowed_methods)]

pub mod bench;
mod build;
mod checkpoint;
pub mod config;
mod control;
mod costs;
pub mod data;
mod error;
mod extent;
pub mod folder;
pub mod learner;
mod lock;
pub mod machine;
pub mod model;
pub mod network;
pub mod outputs;
mod panics;
pub mod parts;
pub mod predict;
pub mod program;
pub mod reproduce;
mod score;
pub mod study;
#[cfg(test)]
mod testing;
pub mod threads;
pub mod train;
pub mod variants;

pub use config::Config;
pub use control::{Control, Event, Observer, RunId};
pub use error::{Error, Kind, Result};
pub use lock::{Holder, Lock};
