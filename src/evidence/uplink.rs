use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use super::Backoff;
use crate::words::EventId;

/// Which picture is stored next, and when a failed one is tried again.
///
/// While the store is away, all wait together and one at a time finds out whether it is back; that costs none of them
/// an attempt. What the store refuses is tried again on its own account, up to a number of times. A failure that may be
/// the store's or the picture's (no answer, a server error) is held against the picture only if the store took more of
/// the others meanwhile than it failed.
#[derive(Debug)]
pub(super) struct Uplink {
    terms: UplinkTerms,
    /// Those whose events are still held for them ...
    urgent: VecDeque<Parcel>,
    /// ... and those that are late anyway.
    late: VecDeque<Parcel>,
    /// Those that were refused, until their next attempt is due.
    resting: BTreeMap<(Instant, u64), Parcel>,
    rested: u64,
    in_flight: usize,
    failures_in_a_row: u32,
    outage: Option<Outage>,
    tally: Tally,
}

/// How the store has served all pictures together so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    stored: u64,
    missed: u64,
}

impl Tally {
    /// Whether the store served most of what it was given since `before`.
    fn has_served_since(self, before: Self) -> bool {
        self.stored - before.stored > self.missed - before.missed
    }
}

/// On what terms pictures are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct UplinkTerms {
    /// In flight at once.
    pub(super) concurrency: usize,
    /// After so many refusals a picture is given up.
    pub(super) max_retries: u32,
    /// Between attempts.
    pub(super) backoff: Backoff,
}

/// One picture on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parcel {
    /// The event.
    pub(super) event: EventId,
    /// The picture's number.
    pub(super) n: u32,
    /// Until then its event waits for it.
    pub(super) urgent_until: Instant,
    failures: u32,
    refusals: u32,
    /// How the others fared when it was last tried, or first begun.
    since: Option<Tally>,
    /// It finds out whether the store is back.
    is_probe: bool,
}

impl Parcel {
    /// A picture that was not tried yet.
    pub(super) fn new(event: EventId, n: u32, urgent_until: Instant) -> Self {
        Self { event, n, urgent_until, failures: 0, refusals: 0, since: None, is_probe: false }
    }
}

#[derive(Debug)]
struct Outage {
    probes: u32,
    next_probe_at: Instant,
}

/// Whom a failed attempt speaks against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// The store is away, busy or broken; the picture only if the store takes the others.
    StoreAway,
    /// The store wants nothing of us: somebody has to change something.
    Settings,
    /// This attempt.
    Attempt,
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is tried again.
    Again,
    /// It has been refused too often.
    GivenUp,
}

impl Uplink {
    /// So many failures in a row, with no success in between, mean that the store is away.
    const AWAY_AFTER: u32 = 3;

    pub(super) fn new(terms: UplinkTerms) -> Self {
        Self {
            terms,
            urgent: VecDeque::new(),
            late: VecDeque::new(),
            resting: BTreeMap::new(),
            rested: 0,
            in_flight: 0,
            failures_in_a_row: 0,
            outage: None,
            tally: Tally::default(),
        }
    }

    /// A picture is in the spool.
    pub(super) fn add(&mut self, parcel: Parcel) {
        self.urgent.push_back(parcel);
    }

    /// Pictures in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Pictures that wait.
    pub(super) fn waiting(&self) -> usize {
        self.urgent.len() + self.late.len() + self.resting.len()
    }

    /// Whether the store is away, or wants nothing of us.
    pub(super) fn is_away(&self) -> bool {
        self.outage.is_some()
    }

    /// The picture whose attempt begins now, if one does. It must be reported as `stored`, `failed` or `gone`.
    pub(super) fn next(&mut self, now: Instant) -> Option<Parcel> {
        let limit = if self.outage.is_some() { 1 } else { self.terms.concurrency };
        if self.in_flight >= limit || self.outage.as_ref().is_some_and(|outage| now < outage.next_probe_at) {
            return None;
        }
        let is_probe = self.outage.is_some();
        while self.urgent.front().is_some_and(|parcel| parcel.urgent_until <= now) {
            self.late.extend(self.urgent.pop_front());
        }
        let due = |resting: &BTreeMap<(Instant, u64), Parcel>| {
            resting.first_key_value().is_some_and(|((at, _), _)| *at <= now || is_probe)
        };
        let rested = if due(&self.resting) { self.resting.pop_first().map(|(_, parcel)| parcel) } else { None };
        let parcel = rested.or_else(|| self.urgent.pop_front()).or_else(|| self.late.pop_front())?;
        self.in_flight += 1;
        Some(Parcel { is_probe, since: parcel.since.or(Some(self.tally)), ..parcel })
    }

    /// After how long `next` is to be asked again, if nothing else happens before.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let at = match &self.outage {
            Some(outage) => (self.waiting() > 0 && self.in_flight == 0).then_some(outage.next_probe_at),
            // While all hands are full, the end of an attempt wakes.
            None if self.in_flight >= self.terms.concurrency => None,
            None => self.resting.first_key_value().map(|((at, _), _)| *at),
        };
        at.map(|at| at.saturating_duration_since(now))
    }

    /// An attempt succeeded. Whether that ended an outage.
    pub(super) fn stored(&mut self) -> bool {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.failures_in_a_row = 0;
        self.tally.stored += 1;
        self.outage.take().is_some()
    }

    /// The picture turned out to be gone from the spool: that says nothing about the store.
    pub(super) fn gone(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// An attempt failed. `roll` is random, 0 to 1.
    pub(super) fn failed(&mut self, mut parcel: Parcel, blame: Blame, now: Instant, roll: f64) -> Verdict {
        self.in_flight = self.in_flight.saturating_sub(1);
        parcel.failures = parcel.failures.saturating_add(1);
        // Wrong settings say nothing about the picture: it waits until somebody has mended them, as long as the spool holds.
        match blame {
            Blame::Attempt => {
                // It answered, so it is there.
                parcel.refusals += 1;
                self.failures_in_a_row = 0;
                self.outage = None;
            }
            Blame::StoreAway => {
                let is_its_own = parcel.since.is_some_and(|before| self.tally.has_served_since(before));
                parcel.refusals += u32::from(is_its_own);
                self.tally.missed += 1;
                parcel.since = Some(self.tally);
                // One that failed while others were stored says nothing about the store any more.
                if parcel.refusals == 0 || parcel.is_probe {
                    self.missed(parcel.is_probe, now, roll);
                }
            }
            Blame::Settings => {
                let next_probe_at = now + self.terms.backoff.longest(roll);
                self.outage = Some(Outage { probes: Self::AWAY_AFTER, next_probe_at });
            }
        }
        if parcel.refusals >= self.terms.max_retries.max(1) {
            return Verdict::GivenUp;
        }
        if self.outage.is_some() {
            self.late_or_urgent(now, parcel);
        } else {
            self.rested += 1;
            let wait = self.terms.backoff.wait(parcel.failures, roll);
            self.resting.insert((now + wait, self.rested), parcel);
        }
        Verdict::Again
    }

    /// The store failed. In an outage only probes count: what was in flight when it began says nothing new.
    fn missed(&mut self, is_probe: bool, now: Instant, roll: f64) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        let backoff = self.terms.backoff;
        match &mut self.outage {
            Some(outage) if is_probe => {
                outage.probes = outage.probes.saturating_add(1);
                outage.next_probe_at = now + backoff.wait(outage.probes, roll);
            }
            Some(_) => {}
            None if self.failures_in_a_row >= Self::AWAY_AFTER => {
                self.outage = Some(Outage { probes: 1, next_probe_at: now + backoff.wait(1, roll) });
            }
            None => {}
        }
    }

    fn late_or_urgent(&mut self, now: Instant, parcel: Parcel) {
        let queue = if parcel.urgent_until > now { &mut self.urgent } else { &mut self.late };
        queue.push_back(parcel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        uplink: Uplink,
        now: Instant,
        event: EventId,
    }

    impl Bench {
        fn new(pictures: u32, concurrency: usize, max_retries: u32) -> Self {
            let (now, event) = (Instant::now(), EventId::fresh());
            let mut uplink = Uplink::new(UplinkTerms { concurrency, max_retries, backoff: Backoff::default() });
            for n in 0..pictures {
                uplink.add(Parcel::new(event, n, now + Duration::from_secs(10)));
            }
            Self { uplink, now, event }
        }

        fn next(&mut self) -> Option<Parcel> {
            self.uplink.next(self.now)
        }

        fn fail(&mut self, parcel: Parcel, blame: Blame) -> Verdict {
            self.uplink.failed(parcel, blame, self.now, 1.0)
        }

        fn sleep(&mut self) {
            let pause = self.uplink.pause(self.now).expect("something waits");
            self.now += pause;
        }
    }

    #[test]
    fn they_go_in_order_and_never_more_at_once_than_allowed() {
        let mut bench = Bench::new(5, 3, 30);
        let begun: Vec<u32> = std::iter::from_fn(|| bench.next()).map(|p| p.n).collect();
        assert_eq!((begun, bench.uplink.in_flight(), bench.uplink.waiting()), (vec![0, 1, 2], 3, 2));
        assert!(!bench.uplink.stored());
        assert_eq!(bench.next().map(|p| p.n), Some(3));
    }

    #[test]
    fn a_refused_picture_rests_and_is_given_up_after_so_many_refusals() {
        let mut bench = Bench::new(1, 8, 3);
        for (wait, verdict) in [(0.5, Verdict::Again), (1.0, Verdict::Again), (0.0, Verdict::GivenUp)] {
            let parcel = bench.next().expect("it is due");
            assert_eq!(bench.fail(parcel, Blame::Attempt), verdict);
            if verdict == Verdict::Again {
                assert_eq!(bench.next(), None, "it rests");
                assert_eq!(bench.uplink.pause(bench.now), Some(Duration::from_secs_f64(wait)));
                bench.sleep();
            }
        }
        assert_eq!((bench.uplink.waiting(), bench.uplink.in_flight()), (0, 0));
    }

    #[test]
    fn an_outage_of_hours_loses_nothing_and_one_at_a_time_finds_out() {
        let mut bench = Bench::new(50, 64, 3);
        let flying: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
        assert_eq!(flying.len(), 50);
        for parcel in flying {
            assert_eq!(bench.fail(parcel, Blame::StoreAway), Verdict::Again);
        }
        assert_eq!(bench.next(), None, "all wait");
        let begin = bench.now;
        let mut probes = 0;
        while bench.now - begin < Duration::from_secs(3 * 3600) {
            bench.sleep();
            let probe = bench.next().expect("a probe");
            assert_eq!(bench.next(), None, "one at a time");
            assert_eq!(bench.fail(probe, Blame::StoreAway), Verdict::Again);
            probes += 1;
        }
        assert!((180..200).contains(&probes), "once a minute: {probes}");
        bench.sleep();
        bench.next().expect("a probe");
        assert!(bench.uplink.stored(), "the outage ends");
        let rest: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
        assert_eq!(rest.len(), 49, "none is lost and all go at once");
    }

    #[test]
    fn a_picture_that_alone_times_out_is_given_up_and_makes_nobody_wait() {
        let mut bench = Bench::new(1, 8, 5);
        let mut verdicts = Vec::new();
        for n in 1..=5 {
            let poison = bench.next().expect("it is due");
            assert_eq!(poison.n, 0);
            bench.uplink.add(Parcel::new(bench.event, n, bench.now + Duration::from_secs(10)));
            bench.next().expect("another one goes beside it");
            bench.uplink.stored();
            verdicts.push(bench.fail(poison, Blame::StoreAway));
            assert!(!bench.uplink.is_away(), "the store takes the others");
            if n < 5 {
                bench.sleep();
            }
        }
        assert_eq!(verdicts, [Verdict::Again, Verdict::Again, Verdict::Again, Verdict::Again, Verdict::GivenUp]);
    }

    #[test]
    fn a_picture_that_fails_while_nothing_else_is_stored_is_not_to_blame() {
        let mut bench = Bench::new(1, 8, 2);
        for _ in 0..20 {
            let parcel = bench.next().expect("it is due");
            assert_eq!(bench.fail(parcel, Blame::StoreAway), Verdict::Again);
            bench.sleep();
        }
        assert!(bench.uplink.is_away());
    }

    #[test]
    fn a_store_that_can_take_one_of_many_loses_none() {
        let mut bench = Bench::new(40, 8, 3);
        let (mut stored, mut rounds) = (0, 0);
        while stored < 40 {
            let flying: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
            for (at, parcel) in flying.into_iter().enumerate() {
                if at == 0 {
                    bench.uplink.stored();
                    stored += 1;
                } else {
                    assert_eq!(bench.fail(parcel, Blame::StoreAway), Verdict::Again, "{stored} are stored");
                }
            }
            rounds += 1;
            assert!(rounds < 1000, "{stored} are stored");
            if bench.uplink.pause(bench.now).is_some() {
                bench.sleep();
            }
        }
    }

    #[test]
    fn a_blip_with_many_in_flight_costs_half_a_second_not_a_minute() {
        let mut bench = Bench::new(64, 64, 30);
        let flying: Vec<_> = std::iter::from_fn(|| bench.next()).collect();
        for parcel in flying {
            bench.fail(parcel, Blame::StoreAway);
        }
        assert_eq!(bench.uplink.pause(bench.now), Some(Duration::from_millis(500)));
    }

    #[test]
    fn wrong_settings_are_asked_about_slowly_and_cost_no_picture() {
        let mut bench = Bench::new(2, 8, 2);
        let first = bench.next().expect("it is due");
        assert_eq!(bench.fail(first, Blame::Settings), Verdict::Again);
        assert_eq!(bench.next(), None);
        assert_eq!(bench.uplink.pause(bench.now), Some(Duration::from_secs(60)));
        for _ in 0..20 {
            bench.sleep();
            let probe = bench.next().expect("a probe");
            assert_eq!(bench.fail(probe, Blame::Settings), Verdict::Again);
        }
        assert_eq!(bench.uplink.waiting(), 2);
    }

    #[test]
    fn nothing_wakes_while_all_hands_are_full() {
        let mut bench = Bench::new(2, 1, 30);
        let first = bench.next().expect("it is due");
        assert_eq!(bench.fail(first, Blame::Attempt), Verdict::Again);
        assert!(bench.next().is_some(), "the other one is in flight now");
        bench.now += Duration::from_secs(60);
        assert_eq!(bench.next(), None);
        assert_eq!(bench.uplink.pause(bench.now), None);
        bench.uplink.stored();
        assert_eq!(bench.uplink.pause(bench.now), Some(Duration::ZERO));
    }

    #[test]
    fn pictures_that_an_event_waits_for_go_before_those_that_are_late() {
        let mut bench = Bench::new(3, 1, 30);
        bench.now += Duration::from_secs(11);
        bench.uplink.add(Parcel::new(bench.event, 9, bench.now + Duration::from_secs(10)));
        let mut order = Vec::new();
        while let Some(parcel) = bench.next() {
            order.push(parcel.n);
            bench.uplink.stored();
        }
        assert_eq!(order, [9, 0, 1, 2]);
    }
}
