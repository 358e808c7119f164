//! The pictures that go with an event: what is said between the scene, the room that keeps them, and the outbox.

use std::{sync::Arc, time::Duration};

use actix::Message;
use jiff::Timestamp;

use super::Snapshot;
use crate::{
    media::Frame,
    words::{CameraId, Detection, EventId},
};

/// A frame worth keeping, and what was seen in it.
#[derive(Debug, Clone)]
pub struct Shot {
    /// The frame.
    pub frame: Arc<Frame>,
    /// What was seen in it, to be drawn where pictures are annotated.
    pub detections: Arc<[Detection]>,
}

/// Command of a scene: keep these pictures of an event and attach them to it. Sent right after its `Record`.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Secure {
    /// The event.
    pub event: EventId,
    /// Its camera.
    pub camera: CameraId,
    /// When it happened: a part of where the pictures are stored.
    pub time: Timestamp,
    /// The frames at hand, in the order of their capture.
    pub shots: Vec<Shot>,
    /// How many further frames the camera was asked for; they come as `media::BurstFrame`s of this event.
    pub awaited: u32,
    /// After so long those that have not come are given up.
    pub patience: Duration,
}

/// Command to the outbox: the pictures of this event are stored.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Attached, super::OutboxError>")]
pub struct Attach {
    /// The event.
    pub event: EventId,
    /// Where its pictures are.
    pub snapshot: Snapshot,
}

/// What became of the pictures of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// Whoever is told of the event is told of them.
    InTime,
    /// Some sinks were told without them; a `snapshot.stored` event follows for these.
    Late,
    /// There is no such event (any more).
    Unknown,
}

/// Command to the outbox: the event waits for no pictures (any more); tell it as it is.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Release(pub EventId);
