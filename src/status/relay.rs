use jiff::Timestamp;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

use super::Counter;

/// How passing on a camera is doing.
#[derive(Debug)]
pub struct RelayCell {
    /// Where to, without secrets.
    pub target: String,
    /// Bytes that were sent.
    pub sent: Counter,
    /// Connections that were made.
    pub connections: Counter,
    /// Those that failed, and attempts to make one.
    pub failures: Counter,
    stage: Mutex<RelayStage>,
}

/// Where a relay stands, since when and why.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RelayStage {
    /// The state.
    pub state: RelayState,
    /// Since when.
    pub since: Timestamp,
    /// What failed last, in `paused`.
    pub fault: Option<String>,
    /// When it is tried anew, in `paused`.
    pub next_attempt_at: Option<Timestamp>,
}

/// Where a relay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelayState {
    /// The camera shows nothing.
    WaitingForCamera,
    /// `live.max_relays` others are at work.
    WaitingForTurn,
    /// The server is being asked.
    Connecting,
    /// It is passed on.
    Publishing,
    /// It failed and is tried anew later.
    Paused,
}

impl RelayCell {
    /// The cell of a relay that has not begun. `target` must not carry a secret.
    pub fn new(target: String) -> Self {
        let state = RelayState::WaitingForCamera;
        let stage = RelayStage { state, since: Timestamp::now(), fault: None, next_attempt_at: None };
        Self {
            target,
            sent: Counter::default(),
            connections: Counter::default(),
            failures: Counter::default(),
            stage: Mutex::new(stage),
        }
    }

    /// Where it stands.
    pub fn stage(&self) -> RelayStage {
        self.stage.lock().clone()
    }

    /// Enters a state.
    pub fn enter(&self, state: RelayState, fault: Option<String>, next_attempt_at: Option<Timestamp>) {
        *self.stage.lock() = RelayStage { state, since: Timestamp::now(), fault, next_attempt_at };
    }

    /// A connection failed, or could not be made.
    pub fn failed(&self, fault: String, next_attempt_at: Option<Timestamp>) {
        self.failures.one();
        self.enter(RelayState::Paused, Some(fault), next_attempt_at);
    }
}
