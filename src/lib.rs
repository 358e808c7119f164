#![doc = include_str!("ARCHITECTURE.md")]

pub mod app;
pub mod camera;
pub mod commands;
pub mod demo;
pub mod detect;
pub mod events;
pub mod http;
pub mod media;
pub mod scene;
pub mod settings;
pub mod simulate;
pub mod sinks;
pub mod status;
pub mod supervisor;
pub mod words;
