use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    events::VisitFacts,
    settings::{Camera, VisitRules},
    words::{Moment, VisitId},
};

/// When a visit starts and ends, fitted to how often a camera is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// A visit starts when this many ...
    pub(super) hits: usize,
    /// ... of the last so many samples saw somebody.
    pub(super) window: usize,
    /// It ends after this long without anybody.
    pub(super) quiet: Duration,
    /// It is kept open for this long while nothing can be seen.
    pub(super) blind: Duration,
    /// After a visit ended, none starts for this long.
    pub(super) cooldown: Duration,
    /// Who stays in one place is nobody new for this long after being lost from sight; zero: everybody always is.
    pub(super) stationary: Duration,
}

impl Rules {
    /// Between samples farther apart than this one person can go and another come unseen: then nobody is taken to have
    /// stayed. An alert too many is better than one too few.
    const SLOWEST_STATIONARY: Duration = Duration::from_secs(2);
    /// The same of the samples that come in fact, which wait for key frames and for detectors: a little later than
    /// planned is no gap.
    pub(super) const LONGEST_UNSEEN: Duration = Duration::from_secs(3);

    /// The rules of a camera. Quiet is at least 2.5 times the time between its samples: so it takes three empty
    /// samples to end a visit, however rare they are meant to be.
    pub(super) fn of(camera: &Camera) -> Self {
        // Far more samples than anybody remembers: it bounds the memory of a window.
        const LONGEST_WINDOW: u32 = 1024;
        let VisitRules { hits, window, quiet, blind, cooldown, stationary, .. } = camera.visits;
        let hits = hits.clamp(1, LONGEST_WINDOW);
        Self {
            hits: hits as usize,
            window: window.clamp(hits, LONGEST_WINDOW) as usize,
            quiet: quiet.max(camera.every.saturating_mul(5) / 2),
            blind,
            cooldown,
            stationary: if camera.every > Self::SLOWEST_STATIONARY { Duration::ZERO } else { stationary },
        }
    }
}

/// The visits of one zone, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Visits {
    recent: VecDeque<Sample>,
    open: Option<Open>,
    /// Somebody is there, and it is no visit: they came during the cooldown, or are nobody new.
    held_back: Option<Presence>,
    /// When the last visit was found to have ended.
    ended: Option<Instant>,
}

/// A sample: how many are in the zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When it was captured.
    pub(super) captured: Moment,
    /// The same on the clock that stands still while the camera is gone.
    pub(super) clock: Instant,
    /// How many are there.
    pub(super) count: u32,
    /// How many of them are somebody new: only they start a visit, and keep it open.
    pub(super) fresh: u32,
}

/// What a sample changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// Somebody came.
    Started(VisitFacts),
    /// Nobody is there any more.
    Ended(VisitFacts),
    /// What would be a visit is none: it falls into the cooldown, or nobody in it is new.
    HeldBack,
}

#[derive(Debug, Clone)]
struct Open {
    facts: VisitFacts,
    presence: Presence,
}

/// Somebody is there, or was a moment ago.
#[derive(Debug, Clone)]
struct Presence {
    last_seen: Timestamp,
    last_seen_clock: Instant,
    empty_since: u32,
}

/// A visit ends only after so many empty samples in a row: where samples are rarer than planned (key frames far apart,
/// detections that failed), one missed person must not split it.
const FEWEST_EMPTY: u32 = 2;

impl Presence {
    fn of(sample: &Sample) -> Self {
        Self { last_seen: sample.captured.wall, last_seen_clock: sample.clock, empty_since: 0 }
    }

    /// Whether it goes on with a sample that shows `count`.
    fn lasts(&mut self, sample: &Sample, count: u32, rules: &Rules) -> bool {
        if count > 0 {
            *self = Self::of(sample);
            return true;
        }
        self.empty_since = self.empty_since.saturating_add(1);
        let quiet = sample.clock.saturating_duration_since(self.last_seen_clock);
        quiet < rules.quiet || self.empty_since < FEWEST_EMPTY
    }
}

impl Visits {
    /// Judges a sample. Samples come in the order of their capture.
    pub(super) fn judge(
        &mut self,
        sample: Sample,
        rules: &Rules,
        fresh_id: impl FnOnce() -> VisitId,
    ) -> Option<Change> {
        let Some(open) = &mut self.open else {
            return self.arrival(sample, rules, fresh_id);
        };
        if sample.fresh > 0 {
            open.facts.peak_count = open.facts.peak_count.max(sample.count);
        }
        if open.presence.lasts(&sample, sample.fresh, rules) {
            return None;
        }
        self.rest_from(sample.captured.steady);
        self.end().map(Change::Ended)
    }

    fn arrival(&mut self, sample: Sample, rules: &Rules, fresh_id: impl FnOnce() -> VisitId) -> Option<Change> {
        let since_before = self.recent.back().map(|before| sample.clock.saturating_duration_since(before.clock));
        if since_before.is_some_and(|gap| gap > rules.blind.max(rules.quiet)) {
            // Nothing was looked at for so long that what was seen before is another story.
            self.recent.clear();
        }
        self.recent.push_back(sample);
        while self.recent.len() > rules.window {
            self.recent.pop_front();
        }
        let since_end = self.ended.map(|ended| sample.captured.steady.saturating_duration_since(ended));
        let cooling = since_end.is_some_and(|since| since < rules.cooldown);
        if !cooling && sample.fresh > 0 && self.hits(|s| s.fresh) >= rules.hits {
            return self.start(&sample, fresh_id).map(Change::Started);
        }
        let would_start = sample.count > 0 && self.hits(|s| s.count) >= rules.hits;
        match &mut self.held_back {
            Some(presence) => {
                if !presence.lasts(&sample, sample.count, rules) {
                    self.held_back = None;
                    self.recent.clear();
                }
                None
            }
            None => would_start.then(|| {
                self.held_back = Some(Presence::of(&sample));
                Change::HeldBack
            }),
        }
    }

    fn hits(&self, count: impl Fn(&Sample) -> u32) -> usize {
        self.recent.iter().filter(|sample| count(sample) > 0).count()
    }

    fn start(&mut self, sample: &Sample, fresh_id: impl FnOnce() -> VisitId) -> Option<VisitFacts> {
        let facts = VisitFacts {
            id: fresh_id(),
            started_at: self.recent.iter().find(|s| s.fresh > 0)?.captured.wall,
            ended_at: None,
            peak_count: self.recent.iter().map(|s| s.count).max()?,
        };
        self.open = Some(Open { facts: facts.clone(), presence: Presence::of(sample) });
        self.held_back = None;
        self.recent.clear();
        Some(facts)
    }

    /// The cooldown begins.
    pub(super) fn rest_from(&mut self, at: Instant) {
        self.ended = Some(at);
    }

    /// Ends the open visit, if there is one, at the last sample that saw somebody.
    pub(super) fn end(&mut self) -> Option<VisitFacts> {
        // What was seen before an end, or before a long darkness, counts towards no other visit.
        self.recent.clear();
        let open = self.open.take()?;
        // The wall clock may have been set back meanwhile; a visit never ends before it starts.
        let ended_at = open.presence.last_seen.max(open.facts.started_at);
        Some(VisitFacts { ended_at: Some(ended_at), ..open.facts })
    }

    /// Takes up a visit that was open when the process last ended; gives it back if one is open already. Until
    /// somebody is seen again, its start is the last time known that somebody was there.
    pub(super) fn resume(&mut self, facts: VisitFacts, clock: Instant) -> Result<(), VisitFacts> {
        if self.open.is_some() {
            return Err(facts);
        }
        let presence = Presence { last_seen: facts.started_at, last_seen_clock: clock, empty_since: 0 };
        self.open = Some(Open { facts, presence });
        Ok(())
    }

    /// Whether a visit is open.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks once per `every_ms` at what `seen` says, one digit a sample, and writes down in milliseconds what changed.
    fn run(rules: Rules, every_ms: u64, seen: &str) -> Vec<String> {
        let start = Moment { wall: Timestamp::UNIX_EPOCH, steady: Instant::now() };
        let ms = |t: Timestamp| t.as_millisecond();
        let mut visits = Visits::default();
        let digits = seen.chars().filter_map(|c| c.to_digit(10));
        (0..)
            .zip(digits)
            .filter_map(|(n, count)| {
                let captured = start.after(Duration::from_millis(n * every_ms));
                let sample = Sample { captured, clock: captured.steady, count, fresh: count };
                visits.judge(sample, &rules, VisitId::fresh)
            })
            .map(|change| match change {
                Change::Started(v) => format!("started {} peak {}", ms(v.started_at), v.peak_count),
                Change::Ended(v) => format!("ended {} peak {}", ms(v.ended_at.expect("an end")), v.peak_count),
                Change::HeldBack => "held back".into(),
            })
            .collect()
    }

    fn rules(hits: usize, window: usize, quiet_ms: u64) -> Rules {
        Rules {
            hits,
            window,
            quiet: Duration::from_millis(quiet_ms),
            blind: Duration::from_secs(120),
            cooldown: Duration::ZERO,
            stationary: Duration::ZERO,
        }
    }

    #[test]
    fn k_of_n_starts_a_visit_at_its_first_hit() {
        let two_of_four = rules(2, 4, 2000);
        assert_eq!(run(two_of_four, 500, "0100010001"), [""; 0], "1 in any 4");
        assert_eq!(run(two_of_four, 500, "010020"), ["started 500 peak 2"]);
        assert_eq!(run(rules(1, 1, 2000), 500, "003"), ["started 1000 peak 3"]);
        assert_eq!(run(rules(3, 3, 2000), 500, "110110111"), ["started 3000 peak 1"]);
    }

    #[test]
    fn a_visit_ends_at_the_last_sample_that_saw_somebody() {
        assert_eq!(run(rules(2, 3, 2000), 500, "011130002000000"), ["started 500 peak 1", "ended 4000 peak 3"]);
    }

    #[test]
    fn hits_of_an_ended_visit_do_not_count_for_the_next() {
        assert_eq!(run(rules(2, 8, 1000), 500, "1100100").len(), 2);
    }

    #[test]
    fn ten_samples_a_second_bridge_short_misses() {
        let seen = format!("{}{}{}", "0".repeat(20), "1110110011".repeat(5), "0".repeat(60));
        assert_eq!(run(rules(3, 5, 3000), 100, &seen), ["started 2000 peak 1", "ended 6900 peak 1"]);
    }

    #[test]
    fn one_sample_in_four_seconds_needs_three_empty_ones_to_end() {
        let mut camera = super::super::tests::camera();
        camera.every = Duration::from_secs(4);
        camera.visits.quiet = Duration::from_secs(3);
        camera.visits.hits = 1;
        camera.visits.window = 1;
        let rules = Rules::of(&camera);
        assert_eq!(rules.quiet, Duration::from_secs(10));
        assert_eq!(
            run(rules, 4000, "0110010010001"),
            ["started 4000 peak 1", "ended 32000 peak 1", "started 48000 peak 1"]
        );
    }

    #[test]
    fn one_miss_does_not_split_a_visit_where_samples_are_rarer_than_planned() {
        let rules = rules(1, 1, 3000);
        assert_eq!(run(rules, 20_000, "10101").len(), 1);
        assert_eq!(run(rules, 20_000, "101001"), ["started 0 peak 1", "ended 40000 peak 1", "started 100000 peak 1"]);
    }

    #[test]
    fn during_the_cooldown_none_starts_and_whoever_is_there_at_its_end_is_one_at_once() {
        let rules = Rules { cooldown: Duration::from_secs(5), ..rules(2, 3, 1000) };
        // Ends at 1500 (seen to be over at 2500); the next two seconds of somebody are held back, and counted once.
        let seen = format!("0011{}11011000{}", "00", "0".repeat(12));
        assert_eq!(run(rules, 500, &seen), ["started 1000 peak 1", "ended 1500 peak 1", "held back"]);
        let seen = format!("0011{}{}", "00", "1".repeat(12));
        assert_eq!(
            run(rules, 500, &seen),
            ["started 1000 peak 1", "ended 1500 peak 1", "held back", "started 6500 peak 1"],
            "at 7500, of the last three samples"
        );
        let seen = format!("0011{}{}0101", "00", "0".repeat(9));
        assert_eq!(
            run(rules, 500, &seen),
            ["started 1000 peak 1", "ended 1500 peak 1", "started 8000 peak 1"],
            "what comes after it is as ever"
        );
    }

    #[test]
    fn where_samples_are_rare_nobody_is_taken_to_have_stayed() {
        let mut camera = super::super::tests::camera();
        camera.visits.stationary = Duration::from_secs(120);
        camera.every = Duration::from_secs(2);
        assert_eq!(Rules::of(&camera).stationary, Duration::from_secs(120));
        camera.every = Duration::from_millis(2001);
        assert_eq!(Rules::of(&camera).stationary, Duration::ZERO);
    }

    #[test]
    fn rules_are_bounded() {
        let mut camera = super::super::tests::camera();
        camera.visits.hits = 0;
        camera.visits.window = u32::MAX;
        let rules = Rules::of(&camera);
        assert_eq!((rules.hits, rules.window), (1, 1024));
        camera.visits.hits = 4;
        camera.visits.window = 2;
        assert_eq!(Rules::of(&camera).window, 4, "a window holds its hits");
    }
}
