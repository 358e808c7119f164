use std::{sync::Arc, time::Duration};

use actix::Message;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{CameraId, EventId, EventKind, Rect, VisitId};

/// Something worth telling. It is written down before anybody is told, and told under the same id until acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The receiver's key against duplicates.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened, by the camera's frames.
    pub time: Timestamp,
    /// The facts: the `data` of the report.
    pub data: Subject,
}

/// The facts of an event: the `data` of the report. What does not apply to the kind is `null` or left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// Which camera; none for a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraRef>,
    /// The visit, for visits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<VisitFacts>,
    /// The zone, where the visit is one of a zone.
    pub zone: Option<Arc<str>>,
    /// What is there: `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Arc<str>>,
    /// How many are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// What was seen in the frame that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detections: Vec<Sighting>,
    /// The frame that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameFacts>,
    /// The pictures, where some are stored.
    pub snapshot: Option<Snapshot>,
    /// Seconds from the frame's arrival to the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_s: Option<f64>,
    /// Why the camera is down, for `camera.down`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonFacts>,
    /// Since when it was down, for `camera.down` and `camera.up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_since: Option<Timestamp>,
    /// The event whose pictures these are, for `snapshot.stored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// What was gathered, for `digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestFacts>,
}

impl Subject {
    /// Facts of which only the camera is known yet.
    pub fn of(camera: CameraRef) -> Self {
        Self { camera: Some(camera), ..Self::of_no_camera() }
    }

    /// Facts that concern no single camera.
    pub fn of_no_camera() -> Self {
        Self {
            camera: None,
            visit: None,
            zone: None,
            label: None,
            count: None,
            detections: Vec::new(),
            frame: None,
            snapshot: None,
            latency_s: None,
            reason: None,
            down_since: None,
            event: None,
            digest: None,
        }
    }
}

/// A camera, by id and by the name people gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CameraRef {
    /// Its id.
    pub id: CameraId,
    /// Its name.
    pub name: Arc<str>,
}

/// A visit so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VisitFacts {
    /// Shared by its start and its end.
    pub id: VisitId,
    /// The first sample that showed somebody.
    pub started_at: Timestamp,
    /// The last one that did; `null` while it lasts.
    pub ended_at: Option<Timestamp>,
    /// The most that were there at once.
    pub peak_count: u32,
}

/// One thing seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sighting {
    /// How sure the model is, 0 to 1.
    pub score: f32,
    /// Where, as `[x, y, w, h]` in parts of the picture.
    #[serde(rename = "box")]
    pub area: Rect,
    /// Its track, where samples come fast enough to follow it.
    pub track: Option<u64>,
}

/// The frame that an event was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameFacts {
    /// When it arrived.
    pub captured_at: Timestamp,
    /// Its number within the camera's life.
    pub sequence: u64,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
}

/// The pictures of an event, where they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The one to show where only one is shown.
    pub url: String,
    /// All of them, in the order of their capture.
    pub frames: Vec<StoredFrame>,
}

/// One stored picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredFrame {
    /// Where it is.
    pub url: String,
    /// When it was captured.
    pub captured_at: Timestamp,
}

/// What a digest counts: events that were not told one by one, because there were too many for the sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestFacts {
    /// The time of the first of them.
    pub from: Timestamp,
    /// The time of the last of them.
    pub to: Timestamp,
    /// How many there are.
    pub events: u64,
    /// The same by camera and kind, the most first; at most `DigestFacts::SHOWN` of them.
    pub groups: Vec<DigestGroup>,
    /// Events of groups that are not shown.
    pub others: u64,
}

impl DigestFacts {
    /// The most groups that a digest shows.
    pub const SHOWN: usize = 100;
}

/// How many events of one kind one camera had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestGroup {
    /// The camera; none for what concerns no single one.
    pub camera: Option<CameraId>,
    /// The kind.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// How many.
    pub events: u64,
}

/// Why a camera is down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonFacts {
    /// The reason code.
    pub code: crate::words::Reason,
    /// The same for people.
    pub message: String,
}

impl Event {
    /// Which camera, where it concerns a single one.
    pub fn camera(&self) -> Option<&CameraId> {
        self.data.camera.as_ref().map(|camera| &camera.id)
    }

    /// Events of one lane are told in order, one after the other: a camera's id, or nothing for what concerns no camera.
    pub fn lane(&self) -> &str {
        self.camera().map(CameraId::as_str).unwrap_or_default()
    }
}

/// Command to the outbox: write this down, then let the couriers know.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Record {
    /// The event.
    pub event: Event,
    /// Nobody is told before its pictures are attached or so much time has passed.
    pub held_for: Option<Duration>,
}

impl Record {
    /// To be told at once.
    pub fn now(event: Event) -> Self {
        Self { event, held_for: None }
    }
}

/// What was begun and not finished when the process last ended: taken up again, so that a restart neither alerts twice
/// nor leaves a visit without an end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unfinished {
    /// Visits that started and did not end.
    pub visits: Vec<OpenVisit>,
    /// Cameras reported down and not yet up.
    pub down: Vec<(CameraId, Timestamp)>,
    /// When the last process was last known to run; what happened since, nobody saw.
    pub alive_until: Option<Timestamp>,
}

impl Unfinished {
    /// Takes out what belongs to `camera`: it is taken up once.
    #[must_use]
    pub fn take(&mut self, camera: &CameraId) -> Self {
        Self {
            visits: self.visits.extract_if(.., |visit| visit.camera == *camera).collect(),
            down: self.down.extract_if(.., |(id, _)| id == camera).collect(),
            alive_until: self.alive_until,
        }
    }
}

/// A visit that started and did not end.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenVisit {
    /// Where.
    pub camera: CameraId,
    /// The zone, where it is one of a zone.
    pub zone: Option<Arc<str>>,
    /// What came.
    pub label: Option<Arc<str>>,
    /// The visit as its start told it.
    pub visit: VisitFacts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_unfinished_is_taken_up_once() {
        let [door, yard]: [CameraId; 2] = ["door", "yard"].map(|id| id.parse().expect("an id"));
        let visit =
            VisitFacts { id: VisitId::fresh(), started_at: Timestamp::UNIX_EPOCH, ended_at: None, peak_count: 1 };
        let open =
            |camera: &CameraId| OpenVisit { camera: camera.clone(), zone: None, label: None, visit: visit.clone() };
        let mut all = Unfinished {
            visits: vec![open(&door), open(&yard)],
            down: vec![(door.clone(), Timestamp::UNIX_EPOCH)],
            alive_until: Some(Timestamp::UNIX_EPOCH),
        };
        let taken = all.take(&door);
        assert_eq!((taken.visits.len(), taken.down.len(), taken.alive_until), (1, 1, all.alive_until));
        assert_eq!(all.take(&door).visits, [], "a camera that is removed and added again begins afresh");
        assert_eq!(all.visits, [open(&yard)]);
    }
}
