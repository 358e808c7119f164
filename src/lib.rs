#![doc = include_str!("ARCHITECTURE.md")]

pub mod access;
pub mod app;
pub mod camera;
pub mod commands;
pub mod demo;
pub mod detect;
pub mod disk;
pub mod evaluate;
pub mod events;
pub mod evidence;
pub mod footage;
pub mod http;
pub mod live;
pub mod media;
pub mod roster;
pub mod scene;
pub mod settings;
pub mod simulate;
pub mod sinks;
pub mod status;
pub mod supervisor;
#[cfg(test)]
#[path = "../tests/testing/mod.rs"]
mod testing;
pub mod tls;
pub mod words;

#[cfg(test)]
use testing::left_out;
