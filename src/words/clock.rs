use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

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
    /// Clocks that drift are corrected by less; by more they are set.
    pub const CORRECTION: SignedDuration = SignedDuration::from_secs(5);

    /// The present.
    pub fn now() -> Self {
        Self { wall: Timestamp::now(), steady: Instant::now() }
    }

    /// How much later this is than `earlier`; zero if it is not.
    pub fn since(&self, earlier: &Self) -> Duration {
        self.steady.saturating_duration_since(earlier.steady)
    }

    /// Whether the time of day was set back between `earlier` and this, by more than clocks are corrected by.
    pub fn was_set_back_since(&self, earlier: &Self) -> bool {
        let expected = earlier.after(self.since(earlier)).wall;
        expected.duration_since(self.wall) > Self::CORRECTION
    }

    /// The moment `by` later.
    #[must_use]
    pub fn after(&self, by: Duration) -> Self {
        Self { wall: self.wall.saturating_add(by).unwrap_or(Timestamp::MAX), steady: self.steady + by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_corrected_is_not_set_back() {
        let before = Moment::now();
        let later = before.after(Duration::from_secs(60));
        assert!(!later.was_set_back_since(&before));
        for (seconds, is_set_back) in [(5, false), (6, true), (-3600, false)] {
            let wall = later.wall.checked_sub(SignedDuration::from_secs(seconds)).expect("a time");
            assert_eq!(Moment { wall, ..later }.was_set_back_since(&before), is_set_back, "{seconds}");
        }
    }
}
