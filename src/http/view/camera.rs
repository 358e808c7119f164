use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    roster::Origin,
    status::{CameraCell, Quantiles, RelayCell, RelayStage, SkipReason, StateView, StreamFacts},
    words::Detection,
};

/// A camera and how it does.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Camera")]
pub(in crate::http) struct CameraView {
    /// Its id, as in addresses.
    id: String,
    /// Its name, for people.
    name: String,
    /// Its address, without user name and password.
    url: String,
    #[serde(flatten)]
    state: StateView,
    /// How often it was begun anew.
    lives: u64,
    /// Threads of it that hung and were left behind.
    threads_abandoned: u64,
    /// What it sends; `null` until that is known.
    stream: Option<StreamFacts>,
    /// The account of its frames.
    frames: FramesView,
    /// When the last frame arrived.
    last_frame_at: Option<Timestamp>,
    /// When the frame arrived that was looked at last.
    last_detection_at: Option<Timestamp>,
    /// How long ago the last frame arrived, in seconds.
    frame_age_s: Option<f64>,
    /// How many were seen in the frame that was looked at last.
    people: i64,
    /// Visits that have started and not ended.
    open_visits: i64,
    /// Visits that were not told of, as somebody had been seen at that place shortly before.
    visits_held_back: u64,
    /// From a frame's arrival to what was seen in it, in seconds.
    latency_s: Option<Quantiles>,
    /// What was seen in the newest frame that was looked at.
    detections: Arc<[Detection]>,
    /// Who follows it live.
    followers: usize,
    /// How passing it on to an RTMP server does; `null` where it is not.
    relay: Option<RelayView>,
    /// Where it comes from; said of one camera alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) origin: Option<Origin>,
}

/// How passing a camera on does.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Relay")]
struct RelayView {
    /// Where to, without secrets.
    target: String,
    #[serde(flatten)]
    stage: RelayStage,
    /// Bytes that were sent.
    sent_bytes: u64,
    /// Connections that were made.
    connections: u64,
    /// Those that failed, and attempts to make one.
    failures: u64,
}

impl From<&RelayCell> for RelayView {
    fn from(cell: &RelayCell) -> Self {
        Self {
            target: cell.target.clone(),
            stage: cell.stage(),
            sent_bytes: cell.sent.get(),
            connections: cell.connections.get(),
            failures: cell.failures.get(),
        }
    }
}

/// What became of a camera's frames.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Frames")]
struct FramesView {
    /// Came from the camera.
    received: u64,
    /// Were decoded.
    decoded: u64,
    /// Were not decoded, by the reason why.
    skipped: BTreeMap<&'static str, u64>,
    /// Could not be decoded.
    failed: u64,
    /// Wait to be decoded.
    waiting: u32,
    /// Were given to the detector.
    published: u64,
    /// Were replaced by newer ones before anybody looked at them.
    superseded: u64,
    /// Were looked at.
    detected: u64,
    /// Could not be looked at.
    detection_failures: u64,
    /// Packets that were lost on the way.
    lost_packets: u64,
}

impl From<&CameraCell> for CameraView {
    fn from(cell: &CameraCell) -> Self {
        let label = cell.label.lock().clone();
        let (frames, last, seen) = (&cell.frames, cell.last_frame(), cell.last_seen());
        Self {
            id: cell.id.to_string(),
            name: label.name.to_string(),
            url: label.url,
            state: cell.state(),
            lives: cell.lives.get(),
            threads_abandoned: cell.abandoned.get(),
            stream: cell.stream(),
            frames: FramesView {
                received: frames.received.get(),
                decoded: frames.decoded.get(),
                skipped: SkipReason::ALL.map(|reason| (reason.code(), frames.skipped(reason).get())).into(),
                failed: frames.failed.get(),
                waiting: cell.waiting_units(),
                published: frames.published.get(),
                superseded: frames.superseded.get(),
                detected: frames.detected.get(),
                detection_failures: cell.detection_failures.get(),
                lost_packets: frames.lost_packets.get(),
            },
            last_frame_at: last.map(|at| at.wall),
            last_detection_at: seen.as_ref().map(|seen| seen.captured.wall),
            frame_age_s: last.map(|at| at.steady.elapsed().as_secs_f64()),
            people: cell.people.get(),
            open_visits: cell.open_visits.get(),
            visits_held_back: cell.visits_held_back.get(),
            latency_s: cell.latency.quantiles(),
            detections: seen.map(|seen| seen.detections).unwrap_or_default(),
            followers: cell.feed.followers(),
            relay: cell.relay().map(|relay| RelayView::from(&*relay)),
            origin: None,
        }
    }
}
