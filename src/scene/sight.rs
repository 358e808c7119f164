use std::time::{Duration, Instant};

use crate::words::Moment;

/// When a camera could be looked through: a clock that runs only then, and the sum of the darkness since the last look.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    newest: Option<Moment>,
    dark_since: Option<Moment>,
    dark_before: Duration,
    dark_since_look: Duration,
    looked: Option<Instant>,
}

impl Sight {
    /// The camera is gone.
    pub(super) fn lost(&mut self, at: Moment) {
        if self.looked.is_none() {
            self.looked = Some(self.clock(at));
        }
        self.dark_since.get_or_insert(at);
    }

    /// The process began anew after nobody looked for `away`.
    pub(super) fn resumed(&mut self, at: Moment, away: Duration) {
        self.lost(at);
        self.dark_since_look = self.dark_since_look.max(away);
    }

    /// The camera is back.
    pub(super) fn returned(&mut self, at: Moment) {
        if let Some(since) = self.dark_since.take() {
            let dark = at.since(&since);
            self.dark_before += dark;
            self.dark_since_look += dark;
        }
    }

    /// A sample that was captured at `at` has been looked at.
    pub(super) fn looked(&mut self, at: Moment) {
        self.newest = Some(at);
        self.dark_since_look = Duration::ZERO;
        self.looked = Some(self.clock(at));
    }

    /// Whether a sample captured at `at` is newer than every one looked at.
    pub(super) fn is_new(&self, at: Moment) -> bool {
        self.newest.is_none_or(|newest| newest.steady < at.steady)
    }

    /// A clock that stands still while the camera is gone.
    pub(super) fn clock(&self, at: Moment) -> Instant {
        let running = self.dark_since.map_or(at.steady, |dark| dark.steady.min(at.steady));
        running.checked_sub(self.dark_before).unwrap_or(running)
    }

    /// How long the camera was gone since something was last looked at, in one stretch or in many.
    pub(super) fn dark_for(&self, now: Moment) -> Duration {
        self.dark_since_look + self.dark_since.map_or(Duration::ZERO, |d| now.since(&d))
    }

    /// How long the camera streamed without anything being looked at: every detection failed.
    pub(super) fn unjudged_for(&self, now: Moment) -> Duration {
        self.looked.map_or(Duration::ZERO, |looked| self.clock(now).saturating_duration_since(looked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_in_the_dark() {
        let start = Moment::now();
        let at = |s| start.after(Duration::from_secs(s));
        let seen = |sight: &Sight, s| sight.clock(at(s)).duration_since(start.steady).as_secs();
        let mut sight = Sight::default();
        sight.looked(at(10));
        sight.lost(at(12));
        sight.lost(at(15));
        assert_eq!((seen(&sight, 12), seen(&sight, 90)), (12, 12));
        assert_eq!(sight.dark_for(at(90)).as_secs(), 78, "from the first loss");
        sight.returned(at(112));
        assert_eq!((seen(&sight, 112), seen(&sight, 120)), (12, 20));
        sight.lost(at(120));
        assert_eq!(sight.dark_for(at(121)).as_secs(), 101, "both stretches");
        assert_eq!(sight.unjudged_for(at(121)).as_secs(), 10, "10 to 12, 112 to 120");
        sight.returned(at(121));
        sight.looked(at(122));
        assert_eq!(sight.dark_for(at(130)), Duration::ZERO);
    }
}
