use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::status::{
    AudienceCell, Board, CameraCell, CameraState, DetectorCell, EvidenceCell, OutboxCell, Quantiles, SinkCell,
    SinkState, usage,
};

/// The whole in one answer: how many cameras are in which state, and how detector, outbox, pictures and sinks do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Status")]
pub(in crate::http) struct StatusView {
    version: &'static str,
    /// Everything runs.
    ready: bool,
    started_at: Timestamp,
    uptime_s: f64,
    cameras: Cameras,
    detector: Detector,
    outbox: Outbox,
    /// The pictures of events; `null` where none are kept.
    snapshots: Option<Snapshots>,
    live: Live,
    sinks: Vec<Sink>,
    process: Option<Process>,
}

/// All cameras together.
#[derive(Serialize, JsonSchema)]
struct Cameras {
    total: usize,
    by_state: BTreeMap<&'static str, usize>,
    people: i64,
    open_visits: i64,
    visits_held_back: u64,
}

/// The pool that looks at frames.
#[derive(Serialize, JsonSchema)]
struct Detector {
    workers: i64,
    /// Workers that look at a frame now.
    busy: i64,
    detections: u64,
    failures: u64,
    /// Seconds of work, of all workers together.
    busy_s: f64,
    inference_s: Option<Quantiles>,
}

/// Where events are written down.
#[derive(Serialize, JsonSchema)]
struct Outbox {
    /// Events that were written down.
    recorded: u64,
    /// Events that were lost or removed before every sink had them.
    dropped: u64,
    /// Events that are in memory alone, as they cannot be written down.
    unwritten: i64,
    write_failures: u64,
    bytes: i64,
    /// Why events cannot be written down.
    fault: Option<String>,
}

/// The pictures of events.
#[derive(Serialize, JsonSchema)]
struct Snapshots {
    /// Where they are kept.
    store: Arc<str>,
    encoding: i64,
    /// Wait to be uploaded.
    waiting: i64,
    in_flight: i64,
    /// Events whose pictures are on their way.
    events: i64,
    spool_bytes: i64,
    stored: u64,
    stored_bytes: u64,
    /// Attempts that failed.
    failures: u64,
    /// Pictures that were given up.
    given_up: u64,
    /// Frames that did not become pictures.
    dropped: u64,
    /// Entries of the spool that could not be read.
    set_aside: u64,
    upload_s: Option<Quantiles>,
    /// Why the store takes nothing.
    fault: Option<String>,
    /// Why nothing can be written to the spool.
    spool_fault: Option<String>,
}

/// Those who watch live.
#[derive(Serialize, JsonSchema)]
struct Live {
    viewers: i64,
    sent_bytes: u64,
    /// Viewers who were too slow for too long.
    dropped: u64,
}

/// Who is told.
#[derive(Serialize, JsonSchema)]
struct Sink {
    name: Arc<str>,
    /// Where it is, without secrets.
    target: String,
    /// Deliveries that wait.
    pending: i64,
    delivered: u64,
    /// Attempts that failed.
    failures: u64,
    /// Deliveries that were given up.
    dead_letters: i64,
    /// Events over its budget, for the next digest.
    gathered: u64,
    pictures_given_up: u64,
    /// From when an event was written down to when the receiver had it, in seconds.
    latency_s: Option<Quantiles>,
    state: SinkState,
}

/// What the process takes.
#[derive(Serialize, JsonSchema)]
struct Process {
    cpu_s: f64,
    resident_bytes: u64,
    threads: u64,
}

impl From<&Board> for StatusView {
    fn from(board: &Board) -> Self {
        let usage =
            usage().map(|u| Process { cpu_s: u.cpu_seconds, resident_bytes: u.resident_bytes, threads: u.threads });
        Self {
            version: env!("CARGO_PKG_VERSION"),
            ready: board.is_ready(),
            started_at: board.started_at,
            uptime_s: board.started.elapsed().as_secs_f64(),
            cameras: Cameras::of(&board.cameras()),
            detector: Detector::from(&board.detector),
            outbox: Outbox::from(&board.outbox),
            snapshots: Snapshots::of(&board.evidence),
            live: Live::from(&*board.audience),
            sinks: board.sinks().iter().map(|sink| Sink::from(&**sink)).collect(),
            process: usage,
        }
    }
}

impl Cameras {
    fn of(cameras: &[Arc<CameraCell>]) -> Self {
        let count = |state: CameraState| cameras.iter().filter(|c| c.state().state == state).count();
        Self {
            total: cameras.len(),
            by_state: CameraState::ALL.map(|state| (state.code(), count(state))).into(),
            people: cameras.iter().map(|c| c.people.get()).sum(),
            open_visits: cameras.iter().map(|c| c.open_visits.get()).sum(),
            visits_held_back: cameras.iter().map(|c| c.visits_held_back.get()).sum(),
        }
    }
}

impl From<&DetectorCell> for Detector {
    fn from(cell: &DetectorCell) -> Self {
        Self {
            workers: cell.workers.get(),
            busy: cell.busy.get(),
            detections: cell.detections.get(),
            failures: cell.failures.get(),
            busy_s: cell.busy_us.get() as f64 / 1e6,
            inference_s: cell.inference.quantiles(),
        }
    }
}

impl From<&OutboxCell> for Outbox {
    fn from(cell: &OutboxCell) -> Self {
        Self {
            recorded: cell.recorded.get(),
            dropped: cell.dropped.get(),
            unwritten: cell.unwritten.get(),
            write_failures: cell.write_failures.get(),
            bytes: cell.bytes.get(),
            fault: cell.fault.lock().clone(),
        }
    }
}

impl Snapshots {
    fn of(cell: &EvidenceCell) -> Option<Self> {
        let store = cell.target.lock().clone()?;
        Some(Self {
            store: store.into(),
            encoding: cell.encoding.get(),
            waiting: cell.waiting.get(),
            in_flight: cell.in_flight.get(),
            events: cell.events.get(),
            spool_bytes: cell.spool_bytes.get(),
            stored: cell.stored.get(),
            stored_bytes: cell.stored_bytes.get(),
            failures: cell.failures.get(),
            given_up: cell.given_up.get(),
            dropped: cell.dropped.get(),
            set_aside: cell.set_aside.get(),
            upload_s: cell.upload.quantiles(),
            fault: cell.fault.lock().clone(),
            spool_fault: cell.spool_fault.lock().clone(),
        })
    }
}

impl From<&AudienceCell> for Live {
    fn from(cell: &AudienceCell) -> Self {
        Self { viewers: cell.present.get(), sent_bytes: cell.sent.get(), dropped: cell.dropped.get() }
    }
}

impl From<&SinkCell> for Sink {
    fn from(cell: &SinkCell) -> Self {
        Self {
            name: Arc::clone(&cell.name),
            target: cell.target.clone(),
            pending: cell.pending.get(),
            delivered: cell.delivered.get(),
            failures: cell.failures.get(),
            dead_letters: cell.dead.get(),
            gathered: cell.gathered.get(),
            pictures_given_up: cell.pictures_given_up.get(),
            latency_s: cell.latency.quantiles(),
            state: cell.state(),
        }
    }
}
