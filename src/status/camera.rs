use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Counter, FrameCounters, Gauge, Latency, RelayCell, StreamFacts};
use crate::{
    media::{Feed, Frame},
    words::{CameraId, Detection, Generation, Moment, Reason},
};

/// What is known of one camera. It outlives the camera's lives.
#[derive(Debug)]
pub struct CameraCell {
    /// Whose cell it is.
    pub id: CameraId,
    /// Name and address for people, without credentials.
    pub label: Mutex<Label>,
    state: Mutex<StateView>,
    stream: Mutex<Option<StreamFacts>>,
    last_seen: Mutex<Option<LastSeen>>,
    last_frame: Mutex<Option<Moment>>,
    generation: AtomicU64,
    /// Lives begun.
    pub lives: Counter,
    /// Lives whose thread hung and was left behind.
    pub abandoned: Counter,
    /// Faults by reason, in the order of `Reason::ALL`.
    faults: [Counter; Reason::ALL.len()],
    /// The newest stretch of its stream, for those who follow it live.
    pub feed: Arc<Feed>,
    relay: Mutex<Option<Arc<RelayCell>>>,
    /// The account of its frames.
    pub frames: FrameCounters,
    /// Bytes of video received.
    pub bytes: Counter,
    /// Detections that failed, and samples whose rules failed.
    pub detection_failures: Counter,
    /// People in the newest sample.
    pub people: Gauge,
    /// Visits that are open, in all zones.
    pub open_visits: Gauge,
    /// Visits that were not told when they would have started, because of `cooldown` or `stationary`.
    pub visits_held_back: Counter,
    /// From a frame's arrival to its detections.
    pub latency: Latency,
    born: Instant,
    heartbeat_ms: AtomicU64,
    access_units_waiting: AtomicU32,
    /// What an earlier life learned of the time between key frames.
    key_frame_hint: Mutex<Option<Duration>>,
    sound_suspected_at: Mutex<Option<Moment>>,
}

/// Name and address of a camera.
#[derive(Debug, Clone)]
pub struct Label {
    /// The name people gave it.
    pub name: Arc<str>,
    /// Its address without credentials.
    pub url: String,
}

/// The state of a camera, and since when and why.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StateView {
    /// The state.
    pub state: CameraState,
    /// Since when.
    pub since: Timestamp,
    /// Since when it has not streamed though it should, over all attempts in between.
    pub down_since: Option<Timestamp>,
    /// The fault behind `waiting` and `failed`.
    pub reason: Option<ReasonView>,
    /// When the next life begins, in `waiting`.
    pub next_attempt_at: Option<Timestamp>,
}

/// A fault, for machines and for people.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReasonView {
    /// The reason code.
    pub code: Reason,
    /// What happened and what to do.
    pub message: String,
}

/// Where a camera stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// A life has begun; no frame yet.
    Connecting,
    /// Frames come.
    Streaming,
    /// Between two lives.
    Waiting,
    /// On request.
    Stopped,
    /// For good: after a failure, `max_retries` further lives failed in a row.
    Failed,
}

impl CameraState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Connecting, Self::Streaming, Self::Waiting, Self::Stopped, Self::Failed];

    /// Its name in status and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Streaming => "streaming",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// The newest frame that was looked at, and what was seen in it.
#[derive(Debug, Clone)]
pub struct LastSeen {
    /// The picture.
    pub picture: Picture,
    /// When it was captured.
    pub captured: Moment,
    /// What was seen.
    pub detections: Arc<[Detection]>,
}

/// A picture, in the smallest form in which it is at hand.
#[derive(Debug, Clone)]
pub enum Picture {
    /// An access unit that decodes alone.
    Coded(Bytes),
    /// Decoded planes.
    Decoded(Arc<Frame>),
}

impl Picture {
    /// The smallest form of a frame's picture: where it was decoded from a key frame alone, that one's bytes.
    pub fn of(frame: &Arc<Frame>) -> Self {
        match &frame.coded {
            Some(coded) => Self::Coded(coded.clone()),
            None => Self::Decoded(Arc::clone(frame)),
        }
    }
}

impl CameraCell {
    /// The cell of a camera that has not been started.
    pub fn new(id: CameraId, name: Arc<str>, url: String) -> Self {
        let state = StateView {
            state: CameraState::Stopped,
            since: Timestamp::now(),
            down_since: None,
            reason: None,
            next_attempt_at: None,
        };
        Self {
            id,
            label: Mutex::new(Label { name, url }),
            state: Mutex::new(state),
            stream: Mutex::new(None),
            last_seen: Mutex::new(None),
            last_frame: Mutex::new(None),
            generation: AtomicU64::new(0),
            lives: Counter::default(),
            abandoned: Counter::default(),
            faults: Default::default(),
            feed: Arc::default(),
            relay: Mutex::default(),
            frames: FrameCounters::default(),
            bytes: Counter::default(),
            detection_failures: Counter::default(),
            people: Gauge::default(),
            open_visits: Gauge::default(),
            visits_held_back: Counter::default(),
            latency: Latency::default(),
            born: Instant::now(),
            heartbeat_ms: AtomicU64::new(0),
            access_units_waiting: AtomicU32::new(0),
            key_frame_hint: Mutex::new(None),
            sound_suspected_at: Mutex::new(None),
        }
    }

    /// Where the camera stands.
    pub fn state(&self) -> StateView {
        self.state.lock().clone()
    }

    /// Enters a state; entering the same one again keeps `since`.
    pub fn enter(&self, state: CameraState, reason: Option<(Reason, String)>, next_attempt_at: Option<Timestamp>) {
        let (mut view, now) = (self.state.lock(), Timestamp::now());
        if view.state != state {
            view.since = now;
        }
        view.down_since = match state {
            CameraState::Streaming | CameraState::Stopped => None,
            CameraState::Connecting | CameraState::Waiting | CameraState::Failed => view.down_since.or(Some(now)),
        };
        view.state = state;
        view.reason = reason.map(|(code, message)| ReasonView { code, message });
        view.next_attempt_at = next_attempt_at;
    }

    /// The life that counts now.
    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Relaxed))
    }

    /// Begins a new life and returns its generation; messages of older ones count no more.
    pub fn begin_life(&self) -> Generation {
        self.lives.one();
        self.beat();
        Generation(self.generation.fetch_add(1, Relaxed) + 1)
    }

    /// Leaves a life behind: from now on it counts no more, though its thread may still run.
    pub fn retire_life(&self) {
        self.generation.fetch_add(1, Relaxed);
    }

    /// Counts a fault.
    pub fn count_fault(&self, reason: Reason) {
        self.faults_by(reason).one();
    }

    /// How often `reason` ended a life.
    pub fn faults_by(&self, reason: Reason) -> &Counter {
        let index = Reason::ALL.iter().position(|r| *r == reason).expect("ALL holds every reason");
        &self.faults[index]
    }

    /// What the stream is, while it runs.
    pub fn stream(&self) -> Option<StreamFacts> {
        self.stream.lock().clone()
    }

    /// Sets what the stream is.
    pub fn set_stream(&self, facts: Option<StreamFacts>) {
        *self.stream.lock() = facts;
    }

    /// The newest frame that was looked at.
    pub fn last_seen(&self) -> Option<LastSeen> {
        self.last_seen.lock().clone()
    }

    /// Sets the newest frame that was looked at.
    pub fn set_last_seen(&self, seen: LastSeen) {
        *self.last_seen.lock() = Some(seen);
    }

    /// When the newest access unit arrived.
    pub fn last_frame(&self) -> Option<Moment> {
        *self.last_frame.lock()
    }

    /// Notes that an access unit arrived.
    pub fn frame_arrived(&self, at: Moment, bytes: usize) {
        self.frames.received.one();
        self.bytes.add(bytes as u64);
        *self.last_frame.lock() = Some(at);
    }

    /// Says that the life's thread is alive.
    pub fn beat(&self) {
        self.heartbeat_ms.store(self.born.elapsed().as_millis() as u64, Relaxed);
    }

    /// Time since the life's thread last said that it is alive.
    pub fn since_beat(&self) -> Duration {
        let now = self.born.elapsed().as_millis() as u64;
        Duration::from_millis(now.saturating_sub(self.heartbeat_ms.load(Relaxed)))
    }

    /// The least time between key frames that an earlier life, which waited for one in vain, found out.
    pub fn key_frame_hint(&self) -> Option<Duration> {
        *self.key_frame_hint.lock()
    }

    /// Leaves word for the next life.
    pub fn hint_key_frames(&self, at_least: Duration) {
        *self.key_frame_hint.lock() = Some(at_least);
    }

    /// Whether an earlier life that took sound along was ended by what it could not read. That is asked anew after a while:
    /// it may have been the line.
    pub fn sound_is_suspected(&self, now: Moment) -> bool {
        const LASTS: Duration = Duration::from_secs(3600);
        self.sound_suspected_at.lock().is_some_and(|at| now.since(&at) < LASTS)
    }

    /// Leaves word for the next lives: they go without sound for a while, or, with none, with it again.
    pub fn suspect_sound(&self, at: Option<Moment>) {
        *self.sound_suspected_at.lock() = at;
    }

    /// How passing it on is doing, if it is passed on.
    pub fn relay(&self) -> Option<Arc<RelayCell>> {
        self.relay.lock().clone()
    }

    /// Sets who passes it on.
    pub fn set_relay(&self, relay: Option<Arc<RelayCell>>) {
        *self.relay.lock() = relay;
    }

    /// Access units that wait for the decoder.
    pub fn waiting_units(&self) -> u32 {
        self.access_units_waiting.load(Relaxed)
    }

    /// Sets how many access units wait for the decoder.
    pub fn set_waiting_units(&self, n: usize) {
        self.access_units_waiting.store(u32::try_from(n).unwrap_or(u32::MAX), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_has_been_down_counts_over_all_attempts() {
        let cell = CameraCell::new("door".parse().expect("an id"), "door".into(), String::new());
        assert_eq!(cell.state().down_since, None, "nobody asked for it");
        let attempt = || {
            cell.enter(CameraState::Connecting, None, None);
            cell.enter(CameraState::Waiting, Some((Reason::Refused, "refused".into())), None);
            cell.state()
        };
        let began = attempt().down_since.expect("it should stream");
        assert_eq!(attempt().down_since, Some(began));
        for up in [CameraState::Streaming, CameraState::Stopped] {
            cell.enter(up, None, None);
            assert_eq!(cell.state().down_since, None);
            assert_ne!(attempt().down_since, Some(began), "anew");
        }
    }
}
