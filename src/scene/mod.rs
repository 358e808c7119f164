//! From detections to events: one visit, one alert, also across reconnects and restarts.
//!
//! `SceneCore` is the whole judgement, without clocks, sockets or actors; `Scene` is its actor, one per camera. A scene
//! outlives the camera's lives, which is what keeps a flapping camera from alerting twice. Beside each event goes the
//! frame that proves it (`finding`, `best`), which the actor sends to the room that keeps pictures (`evidence`).

mod actor;
mod availability;
mod best;
mod core;
mod evidence;
mod finding;
mod report;
mod sight;
mod stationary;
#[cfg(test)]
mod tests;
mod tracker;
mod visits;
mod watch;
mod zones;

pub use self::{
    actor::{CameraLost, CameraRemoved, CameraStopped, CameraStreaming, Configure, SampleHook, Scene},
    core::SceneCore,
    evidence::{Develop, EvidenceRoom},
    finding::{Finding, Proof},
    report::{IdSource, conclude},
};
