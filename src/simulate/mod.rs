//! An RTSP camera in software: plays an H.264 clip in a loop, at the clip's own pace, to many clients over TCP and UDP,
//! and misbehaves on request. Tests run it in-process, users run it to size their machine.
//!
//! All clients of a camera see the same live stream: one player packetizes each access unit once, whoever watches.

mod authentication;
mod camera;
mod clip;
mod connection;
mod conversation;
mod description;
mod error;
mod fault;
mod nal;
mod packetize;
mod picture_order;
mod player;
mod read;
mod server;
mod sound;
mod synthetic;
mod wire;

pub use authentication::{Credentials, Scheme};
pub use camera::{Counts, Mount};
pub use clip::{Clip, Unit};
pub use error::SimulateError;
pub use fault::{Fault, InvalidFault};
pub use server::{Control, Simulator};

#[cfg(test)]
mod tests;
