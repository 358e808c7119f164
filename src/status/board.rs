use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use super::{AccessCell, AudienceCell, CameraCell, Counter, EvidenceCell, Gauge, Latency};
use crate::words::CameraId;

/// The board on which every cell hangs.
#[derive(Debug)]
pub struct Board {
    cameras: RwLock<BTreeMap<CameraId, Arc<CameraCell>>>,
    sinks: RwLock<BTreeMap<Arc<str>, Arc<SinkCell>>>,
    /// The detector pool.
    pub detector: DetectorCell,
    /// The outbox.
    pub outbox: OutboxCell,
    /// The pictures of events.
    pub evidence: EvidenceCell,
    /// Those who watch live.
    pub audience: Arc<AudienceCell>,
    /// Who failed to say who they are.
    pub access: Arc<AccessCell>,
    /// When the process began.
    pub started_at: Timestamp,
    /// The same on the steady clock.
    pub started: Instant,
    /// Set once everything runs and every camera hangs here; cleared when the end begins.
    ready: AtomicBool,
}

/// The state of the detector pool.
#[derive(Debug, Default)]
pub struct DetectorCell {
    /// Detector threads.
    pub workers: Gauge,
    /// Frames being looked at.
    pub busy: Gauge,
    /// Frames looked at.
    pub detections: Counter,
    /// Detections that failed or panicked.
    pub failures: Counter,
    /// Time to look at one frame.
    pub inference: Latency,
    /// Microseconds spent looking, summed.
    pub busy_us: Counter,
}

/// The state of the outbox.
#[derive(Debug, Default)]
pub struct OutboxCell {
    /// Events written down since the start.
    pub recorded: Counter,
    /// Events removed by age or size before every sink had them.
    pub dropped: Counter,
    /// Times that writing failed.
    pub write_failures: Counter,
    /// Events held in memory because writing fails.
    pub unwritten: Gauge,
    /// Bytes of the database.
    pub bytes: Gauge,
    /// Why writing fails, while it does.
    pub fault: Mutex<Option<String>>,
    /// The place of the newest event that is written down, for whoever follows; 0 before the first.
    pub newest: watch::Sender<i64>,
}

/// The state of one sink.
#[derive(Debug)]
pub struct SinkCell {
    /// Its name.
    pub name: Arc<str>,
    /// What kind it is, and where it tells, without secrets.
    pub target: String,
    /// Deliveries acknowledged.
    pub delivered: Counter,
    /// Attempts that failed.
    pub failures: Counter,
    /// Deliveries given up, on the dead-letter list.
    pub dead: Gauge,
    /// Deliveries that wait.
    pub pending: Gauge,
    /// Events over the budget since the start: not told one by one, but counted in a digest.
    pub gathered: Counter,
    /// Pictures that it could not be given beside the events, because of their size.
    pub pictures_given_up: Counter,
    /// From recording to acknowledgement.
    pub latency: Latency,
    state: Mutex<SinkState>,
}

/// How a sink is doing.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct SinkState {
    /// The receiver said that it wants no more (410).
    pub disabled: bool,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// The last failure.
    pub last_error: Option<String>,
    /// When the receiver last acknowledged.
    pub last_delivered_at: Option<Timestamp>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            cameras: RwLock::default(),
            sinks: RwLock::default(),
            detector: DetectorCell::default(),
            outbox: OutboxCell::default(),
            evidence: EvidenceCell::default(),
            audience: Arc::default(),
            access: Arc::default(),
            started_at: Timestamp::now(),
            started: Instant::now(),
            ready: AtomicBool::new(false),
        }
    }
}

impl Board {
    /// The cameras, by id.
    pub fn cameras(&self) -> Vec<Arc<CameraCell>> {
        self.cameras.read().values().cloned().collect()
    }

    /// One camera.
    pub fn camera(&self, id: &str) -> Option<Arc<CameraCell>> {
        self.cameras.read().get(id).cloned()
    }

    /// Hangs up the cell of a camera.
    pub fn add_camera(&self, cell: Arc<CameraCell>) {
        self.cameras.write().insert(cell.id.clone(), cell);
    }

    /// Takes down the cell of a camera.
    pub fn remove_camera(&self, id: &CameraId) {
        self.cameras.write().remove(id);
    }

    /// The sinks, by name.
    pub fn sinks(&self) -> Vec<Arc<SinkCell>> {
        self.sinks.read().values().cloned().collect()
    }

    /// Hangs up the cell of a sink.
    pub fn add_sink(&self, cell: Arc<SinkCell>) {
        self.sinks.write().insert(Arc::clone(&cell.name), cell);
    }

    /// Takes down the cell of a sink.
    pub fn remove_sink(&self, name: &str) {
        self.sinks.write().remove(name);
    }

    /// Whether everything runs and the end has not begun.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    /// Sets whether everything runs.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Relaxed);
    }
}

impl OutboxCell {
    /// Lets followers know of the newest event's place; it never goes back.
    pub fn move_on(&self, newest: i64) {
        self.newest.send_if_modified(|place| newest > std::mem::replace(place, newest.max(*place)));
    }
}

impl SinkCell {
    /// The cell of a sink that has told nothing yet. `target` must not carry a secret.
    pub fn new(name: Arc<str>, target: String) -> Self {
        Self {
            name,
            target,
            delivered: Counter::default(),
            failures: Counter::default(),
            dead: Gauge::default(),
            pending: Gauge::default(),
            gathered: Counter::default(),
            pictures_given_up: Counter::default(),
            latency: Latency::default(),
            state: Mutex::default(),
        }
    }

    /// How it is doing.
    pub fn state(&self) -> SinkState {
        self.state.lock().clone()
    }

    /// Changes how it is doing.
    pub fn update(&self, change: impl FnOnce(&mut SinkState)) {
        change(&mut self.state.lock());
    }
}
