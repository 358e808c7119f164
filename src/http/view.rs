use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    roster::Origin,
    status::{
        Board, CameraCell, CameraState, EvidenceCell, Quantiles, RelayCell, RelayStage, SkipReason, StateView,
        StreamFacts, usage,
    },
    words::Detection,
};

/// A camera, as the contract has it.
#[derive(Serialize)]
pub(in crate::http) struct CameraView {
    id: String,
    name: String,
    url: String,
    #[serde(flatten)]
    state: StateView,
    lives: u64,
    threads_abandoned: u64,
    stream: Option<StreamFacts>,
    frames: FramesView,
    last_frame_at: Option<Timestamp>,
    last_detection_at: Option<Timestamp>,
    frame_age_s: Option<f64>,
    people: i64,
    open_visits: i64,
    visits_held_back: u64,
    latency_s: Option<Quantiles>,
    /// What was seen in the newest frame that was looked at.
    detections: Arc<[Detection]>,
    followers: usize,
    relay: Option<RelayView>,
    /// Where it comes from; said of one camera alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) origin: Option<Origin>,
}

#[derive(Serialize)]
struct RelayView {
    target: String,
    #[serde(flatten)]
    stage: RelayStage,
    sent_bytes: u64,
    connections: u64,
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

#[derive(Serialize)]
struct FramesView {
    received: u64,
    decoded: u64,
    skipped: BTreeMap<&'static str, u64>,
    failed: u64,
    waiting: u32,
    published: u64,
    superseded: u64,
    detected: u64,
    detection_failures: u64,
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

/// The whole in one answer: how many cameras are in which state, and how detector, outbox and sinks do.
pub(in crate::http) fn status(board: &Board) -> Value {
    let cameras = board.cameras();
    let count = |state: CameraState| cameras.iter().filter(|c| c.state().state == state).count();
    let states: BTreeMap<_, _> = CameraState::ALL.map(|state| (state.code(), count(state))).into();
    let sinks: Vec<Value> = board
        .sinks()
        .iter()
        .map(|sink| {
            json!({
                "name": &*sink.name,
                "target": sink.target,
                "pending": sink.pending.get(),
                "delivered": sink.delivered.get(),
                "failures": sink.failures.get(),
                "dead_letters": sink.dead.get(),
                "gathered": sink.gathered.get(),
                "pictures_given_up": sink.pictures_given_up.get(),
                "latency_s": sink.latency.quantiles(),
                "state": sink.state(),
            })
        })
        .collect();
    let process =
        usage().map(|u| json!({"cpu_s": u.cpu_seconds, "resident_bytes": u.resident_bytes, "threads": u.threads}));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": board.is_ready(),
        "started_at": board.started_at,
        "uptime_s": board.started.elapsed().as_secs_f64(),
        "cameras": {
            "total": cameras.len(),
            "by_state": states,
            "people": cameras.iter().map(|c| c.people.get()).sum::<i64>(),
            "open_visits": cameras.iter().map(|c| c.open_visits.get()).sum::<i64>(),
            "visits_held_back": cameras.iter().map(|c| c.visits_held_back.get()).sum::<u64>(),
        },
        "detector": {
            "workers": board.detector.workers.get(),
            "busy": board.detector.busy.get(),
            "detections": board.detector.detections.get(),
            "failures": board.detector.failures.get(),
            "busy_s": board.detector.busy_us.get() as f64 / 1e6,
            "inference_s": board.detector.inference.quantiles(),
        },
        "outbox": {
            "recorded": board.outbox.recorded.get(),
            "dropped": board.outbox.dropped.get(),
            "unwritten": board.outbox.unwritten.get(),
            "write_failures": board.outbox.write_failures.get(),
            "bytes": board.outbox.bytes.get(),
            "fault": board.outbox.fault.lock().clone(),
        },
        "snapshots": snapshots(&board.evidence),
        "live": {
            "viewers": board.audience.present.get(),
            "sent_bytes": board.audience.sent.get(),
            "dropped": board.audience.dropped.get(),
        },
        "sinks": sinks,
        "process": process,
    })
}

/// How the pictures of events do; `null` where none are kept.
fn snapshots(cell: &EvidenceCell) -> Value {
    let Some(store) = cell.target.lock().clone() else { return Value::Null };
    json!({
        "store": store,
        "encoding": cell.encoding.get(),
        "waiting": cell.waiting.get(),
        "in_flight": cell.in_flight.get(),
        "events": cell.events.get(),
        "spool_bytes": cell.spool_bytes.get(),
        "stored": cell.stored.get(),
        "stored_bytes": cell.stored_bytes.get(),
        "failures": cell.failures.get(),
        "given_up": cell.given_up.get(),
        "dropped": cell.dropped.get(),
        "set_aside": cell.set_aside.get(),
        "upload_s": cell.upload.quantiles(),
        "fault": cell.fault.lock().clone(),
        "spool_fault": cell.spool_fault.lock().clone(),
    })
}
