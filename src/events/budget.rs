use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use super::{Event, EventKind};
use crate::settings::Budget;

/// What budgets count by, and how long events are gathered before a digest tells them.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// What one sink was told one by one within the last minute.
///
/// A sliding minute, because a budget is meant so: in no minute more than that. A token bucket as large as the budget lets
/// nearly twice as many through within a minute, a smaller one refuses a burst that the budget allows. Its price is an
/// entry for each event told: no more than the budget, and the ends of what was told before.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    told: VecDeque<(Instant, Arc<str>)>,
    by_camera: HashMap<Arc<str>, u32>,
    /// So many of the newest are not written down yet.
    uncertain: usize,
}

/// What becomes of an event for one sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is told by itself.
    Tell,
    /// It is counted in the next digest.
    Gather,
}

/// What a sink knows of the start to which an event is the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// It was told by itself, or will be.
    Told,
    /// It is gathered for the next digest.
    Gathered,
}

impl Ledger {
    /// Whether the event is told by itself; if so, it is entered.
    ///
    /// An end goes the way of its start: where that was told, the receiver has something open (an alarm, a light) that
    /// only the end closes, so it is told even over the budget, and entered, so that new starts yield to it; where that
    /// is still gathered, both are counted in one digest. An end whose start was in an earlier digest is judged like
    /// anything else. Digests, and the pictures of an event that was told, are neither refused nor entered.
    pub(super) fn judge(&mut self, budget: Budget, event: &Event, start: Option<Start>, now: Instant) -> Verdict {
        if matches!(event.kind, EventKind::Digest | EventKind::SnapshotStored) {
            return Verdict::Tell;
        }
        self.forget(now);
        let camera = event.lane();
        let told = match start {
            Some(Start::Told) => true,
            Some(Start::Gathered) => false,
            None => self.has_room(budget, camera),
        };
        if !told {
            return Verdict::Gather;
        }
        self.enter(camera, now);
        self.uncertain += 1;
        Verdict::Tell
    }

    /// Enters what was told before this ledger was begun; the oldest first.
    pub(super) fn enter(&mut self, camera: &str, at: Instant) {
        let camera: Arc<str> = match self.by_camera.get_key_value(camera) {
            Some((known, _)) => Arc::clone(known),
            None => camera.into(),
        };
        *self.by_camera.entry(Arc::clone(&camera)).or_default() += 1;
        self.told.push_back((at, camera));
    }

    /// What was judged so far is written down.
    pub(super) fn confirm(&mut self) {
        self.uncertain = 0;
    }

    /// What was judged since the last `confirm` could not be written down: it will be judged again.
    pub(super) fn take_back(&mut self) {
        for _ in 0..std::mem::take(&mut self.uncertain) {
            let newest = self.told.pop_back();
            self.strike(newest);
        }
    }

    fn has_room(&self, budget: Budget, camera: &str) -> bool {
        let of_camera = self.by_camera.get(camera).copied().unwrap_or_default();
        self.told.len() < budget.total as usize && of_camera < budget.per_camera
    }

    fn forget(&mut self, now: Instant) {
        while self.told.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= MINUTE) {
            let oldest = self.told.pop_front();
            self.strike(oldest);
        }
    }

    fn strike(&mut self, entry: Option<(Instant, Arc<str>)>) {
        let Some((_, camera)) = entry else { return };
        if let Some(count) = self.by_camera.get_mut(&camera) {
            *count -= 1;
            if *count == 0 {
                self.by_camera.remove(&camera);
            }
        }
    }
}

/// Whether it is time to tell what has been gathered since then: a minute has passed, or the clock was set back by more.
pub(super) fn is_digest_due(gathered_since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(gathered_since).abs() >= SignedDuration::from_secs(60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::events::sample;

    const BUDGET: Budget = Budget { per_camera: 2, total: 3 };

    struct Minute {
        ledger: Ledger,
        begin: Instant,
    }

    impl Minute {
        fn new() -> Self {
            Self { ledger: Ledger::default(), begin: Instant::now() }
        }

        fn judge(&mut self, second: f64, camera: &str, start: Option<Start>) -> Verdict {
            let now = self.begin + Duration::from_secs_f64(second);
            let verdict = self.ledger.judge(BUDGET, &sample::started(camera), start, now);
            self.ledger.confirm();
            verdict
        }
    }

    use Verdict::{Gather, Tell};

    #[test]
    fn a_camera_and_all_together_have_their_budget_in_every_minute() {
        let mut minute = Minute::new();
        assert_eq!([0., 1., 2.].map(|at| minute.judge(at, "a", None)), [Tell, Tell, Gather]);
        assert_eq!([3., 4.].map(|at| minute.judge(at, "b", None)), [Tell, Gather], "the total");
        assert_eq!(minute.judge(59.9, "c", None), Gather);
        assert_eq!(minute.judge(60., "a", None), Tell, "the first one is a minute old");
        assert_eq!(minute.judge(60.5, "b", None), Gather);
        assert_eq!(minute.judge(61., "b", None), Tell);
    }

    #[test]
    fn an_end_goes_the_way_of_its_start_and_new_starts_yield_to_it() {
        let mut minute = Minute::new();
        assert_eq!([0., 0., 0.].map(|at| minute.judge(at, "a", None)), [Tell, Tell, Gather]);
        assert_eq!(minute.judge(30., "a", Some(Start::Told)), Tell, "over the budget");
        assert_eq!(minute.judge(31., "a", Some(Start::Told)), Tell);
        assert_eq!(minute.judge(61., "a", None), Gather, "two ends were told within this minute");
        assert_eq!(minute.judge(62., "b", None), Tell);
        assert_eq!(minute.judge(200., "a", Some(Start::Gathered)), Gather, "with its start, though there is room");
    }

    #[test]
    fn what_could_not_be_written_down_is_not_entered() {
        let mut ledger = Ledger::default();
        let (event, now) = (sample::started("a"), Instant::now());
        ledger.judge(BUDGET, &event, None, now);
        ledger.confirm();
        for _ in 0..5 {
            assert_eq!(ledger.judge(BUDGET, &event, None, now), Tell);
            ledger.take_back();
        }
        assert_eq!((ledger.told.len(), ledger.by_camera["a"]), (1, 1));
    }

    #[test]
    fn digests_and_pictures_are_neither_refused_nor_entered() {
        let mut ledger = Ledger::default();
        let mut event = sample::started("a");
        for kind in [EventKind::Digest, EventKind::SnapshotStored] {
            event.kind = kind;
            for _ in 0..5 {
                assert_eq!(ledger.judge(BUDGET, &event, None, Instant::now()), Tell);
            }
        }
        assert!(ledger.told.is_empty());
    }

    #[test]
    fn a_digest_is_due_after_a_minute_or_when_the_clock_was_set_back() {
        let since: Timestamp = "2026-05-01T10:00:00Z".parse().expect("a time");
        for (seconds, due) in [(0, false), (59, false), (60, true), (-5, false), (-3600, true)] {
            assert_eq!(is_digest_due(since, since + SignedDuration::from_secs(seconds)), due, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_the_budget(steps in prop::collection::vec((0.0..20.0f64, 0..4usize), 1..200)) {
            let mut minute = Minute::new();
            let (mut at, mut told) = (0., Vec::new());
            for (pause, camera) in steps {
                at += pause;
                if minute.judge(at, ["a", "b", "c", "d"][camera], None) == Tell {
                    told.push((at, camera));
                }
                let lately = told.iter().filter(|(then, _)| at - then < 59.999_999);
                let of_camera = lately.clone().filter(|(_, c)| *c == camera).count();
                prop_assert!(lately.count() <= 3 && of_camera <= 2);
            }
        }
    }
}
