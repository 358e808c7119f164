//! From detections to events: one visit, one alert, also across reconnects and restarts.
//!
//! `SceneCore` is the whole judgement, without clocks, sockets or actors; `Scene` is its actor, one per camera. A scene
//! outlives the camera's lives, which is what keeps a flapping camera from alerting twice.

mod actor;
mod availability;
mod core;
mod report;
mod sight;
#[cfg(test)]
mod tests;
mod tracker;
mod visits;
mod zones;

pub use self::{
    actor::{CameraLost, CameraRemoved, CameraStopped, CameraStreaming, Configure, SampleHook, Scene},
    core::SceneCore,
    report::{IdSource, conclude},
};
