use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A moment on both clocks: the wall's, for people, and the monotonic one, for every difference.
///
/// Pure code is handed moments and never asks for the time itself, so tests and replays choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time of day, which may jump.
    pub wall: Timestamp,
    /// Never goes back.
    pub steady: Instant,
}

impl Moment {
    /// The present.
    pub fn now() -> Self {
        Self { wall: Timestamp::now(), steady: Instant::now() }
    }

    /// How much later this is than `earlier`; zero if it is not.
    pub fn since(&self, earlier: &Self) -> Duration {
        self.steady.saturating_duration_since(earlier.steady)
    }

    /// The moment `by` later.
    #[must_use]
    pub fn after(&self, by: Duration) -> Self {
        Self { wall: self.wall.saturating_add(by).unwrap_or(Timestamp::MAX), steady: self.steady + by }
    }
}
