#![doc = include_str!("ARCHITECTURE.md")]

pub mod app;
pub mod camera;
pub mod commands;
pub mod demo;
pub mod detect;
pub mod evaluate;
pub mod events;
pub mod evidence;
pub mod footage;
pub mod http;
#[cfg(test)]
#[path = "../tests/support/left_out.rs"]
mod left_out;
pub mod media;
pub mod scene;
pub mod settings;
pub mod simulate;
pub mod sinks;
pub mod status;
pub mod supervisor;
pub mod tls;
pub mod words;
