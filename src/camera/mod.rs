//! One camera: from its address to the newest frame.
//!
//! `source` says what a camera gives, `rtsp` gets it from a real one. `life` is one life of a camera: it drains the
//! source, keeps the newest stretch for those who follow it live, lets the `pacer` choose what to decode, puts frames up for
//! detection, and fills orders for more (`burst`, `past`). `actor` wraps a life in an actor
//! with a thread of its own that always tells the supervisor how it ended.

mod actor;
mod burst;
mod decoder;
mod fault;
mod life;
mod meter;
mod pacer;
mod parameters;
mod past;
mod probe;
mod rtsp;
mod source;

pub use actor::{Camera, CameraGone, CameraStreaming, End, Stop, Wiring};
pub use decoder::{DecodeError, Decoder, Shown, decode_alone};
pub use fault::Fault;
pub use meter::Meter;
pub use pacer::{Pacer, Verdict};
pub use probe::{Findings, probe};
pub use rtsp::connect_rtsp;
pub use source::{Connect, Heard, Source, Video};

#[cfg(test)]
mod tests;
