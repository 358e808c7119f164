use std::{
    collections::{BTreeMap, VecDeque, btree_map::OccupiedEntry},
    time::{Duration, Instant},
};

use crate::words::{Backoff, EventId};

/// Which picture is stored next, and when a failed one is tried again.
///
/// While the store is away, all wait together and one at a time finds out whether it is back; that costs none of them
/// an attempt. What the store refuses is tried again on its own account, up to a number of times. A failure that may be
/// the store's or the picture's (no answer, a server error) is held against the picture only if the store took more of
/// the others meanwhile than it failed. Where one picture alone seems to show that the store is away, the first other one
/// is asked, too, and at once: one that never gets through must not hold up those after it.
///
/// A picture that cannot be read from the spool has not been to the store, and says nothing about it: it rests and is tried
/// again, however often, unless meanwhile more of the others could be read than could not.
#[derive(Debug)]
pub(super) struct Uplink {
    terms: UplinkTerms,
    /// Those whose events are still held for them ...
    urgent: VecDeque<Parcel>,
    /// ... and those that are late anyway.
    late: VecDeque<Parcel>,
    /// Those that were refused, or could not be read, until their next attempt is due.
    resting: BTreeMap<(Instant, u64), Parcel>,
    rested: u64,
    in_flight: usize,
    failures_in_a_row: u32,
    /// The picture of which these all are, if they are of one.
    suspect: Option<(EventId, u32)>,
    outage: Option<Outage>,
    /// Attempts in a row that found the spool unreadable.
    unread_in_a_row: u32,
    tally: Tally,
}

/// How store and spool have served all pictures together so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tally {
    stored: u64,
    missed: u64,
    unread: u64,
}

impl Tally {
    /// Whether the store served most of what it was given since `before`.
    fn has_served_since(self, before: Self) -> bool {
        self.stored - before.stored > self.missed - before.missed
    }

    /// The same of the spool.
    fn was_readable_since(self, before: Self) -> bool {
        self.stored - before.stored > self.unread - before.unread
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
    /// It is stored already, and finds out whether the store takes it once more.
    pub(super) is_witness: bool,
}

impl Parcel {
    /// A picture that was not tried yet.
    pub(super) fn new(event: EventId, n: u32, urgent_until: Instant) -> Self {
        Self { event, n, urgent_until, failures: 0, refusals: 0, since: None, is_probe: false, is_witness: false }
    }

    /// A picture that the store has, to be stored once more under the same key.
    pub(super) fn witness(event: EventId, n: u32, now: Instant) -> Self {
        Self { is_witness: true, ..Self::new(event, n, now) }
    }

    fn id(&self) -> (EventId, u32) {
        (self.event, self.n)
    }
}

#[derive(Debug)]
struct Outage {
    probes: u32,
    next_probe_at: Instant,
    /// Another picture than the suspect was asked.
    has_asked_another: bool,
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
    /// The spool, which cannot be read; the picture only if others can.
    Spool,
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is tried again.
    Again,
    /// It has been refused too often; or it was a witness, which is heard once.
    GivenUp,
}

impl Uplink {
    /// So many failures in a row, with no success in between, mean that the store is away, or the spool unreadable.
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
            suspect: None,
            outage: None,
            unread_in_a_row: 0,
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

    /// Whether no picture can be read from the spool.
    pub(super) fn is_spool_unreadable(&self) -> bool {
        self.unread_in_a_row >= Self::AWAY_AFTER
    }

    /// The picture whose attempt begins now, if one does. It must be reported as `stored`, `failed` or `gone`.
    pub(super) fn next(&mut self, now: Instant) -> Option<Parcel> {
        while self.urgent.front().is_some_and(|parcel| parcel.urgent_until <= now) {
            self.late.extend(self.urgent.pop_front());
        }
        let parcel = match &self.outage {
            None if self.in_flight < self.terms.concurrency => self.first(now),
            None => None,
            Some(outage) if self.in_flight == 0 && now >= outage.next_probe_at => self.first(now),
            Some(_) => self.another(),
        }?;
        self.in_flight += 1;
        Some(Parcel { is_probe: self.outage.is_some(), since: parcel.since.or(Some(self.tally)), ..parcel })
    }

    /// The one whose turn it is.
    fn first(&mut self, now: Instant) -> Option<Parcel> {
        let rested = self.resting.first_entry().filter(|rested| rested.key().0 <= now).map(OccupiedEntry::remove);
        rested.or_else(|| self.urgent.pop_front()).or_else(|| self.late.pop_front())
    }

    /// Where one alone shows that the store is away: one of the others, once in an outage.
    fn another(&mut self) -> Option<Parcel> {
        let (suspect, outage) = (self.suspect?, self.outage.as_mut()?);
        // Beside the suspect, which may be in flight.
        if outage.has_asked_another || self.in_flight >= self.terms.concurrency.min(2) {
            return None;
        }
        let find = |queue: &mut VecDeque<Parcel>| {
            let at = queue.iter().position(|parcel| parcel.id() != suspect)?;
            queue.remove(at)
        };
        let found = find(&mut self.urgent).or_else(|| find(&mut self.late))?;
        outage.has_asked_another = true;
        Some(found)
    }

    /// Whether the only picture that there is has failed and nothing tells if that is its fault, so that a witness would
    /// help. One for every second failure: a store that fails every other time must not fail the same picture for ever.
    pub(super) fn lacks_witness(&self) -> bool {
        let mut waiting = self.urgent.iter().chain(&self.late).chain(self.resting.values());
        match (self.in_flight, waiting.next(), waiting.next()) {
            (0, Some(alone), None) => alone.failures > 0 && alone.failures.is_multiple_of(2),
            _ => false,
        }
    }

    /// After how long `next` is to be asked again, if nothing else happens before.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let rested_at = self.resting.first_key_value().map(|((at, _), _)| *at);
        let at = match &self.outage {
            Some(_) if self.in_flight > 0 => None,
            // Those that rest make no probe before they are due.
            Some(outage) if self.urgent.is_empty() && self.late.is_empty() => {
                rested_at.map(|at| at.max(outage.next_probe_at))
            }
            Some(outage) => Some(outage.next_probe_at),
            // While all hands are full, the end of an attempt wakes.
            None if self.in_flight >= self.terms.concurrency => None,
            None => rested_at,
        };
        at.map(|at| at.saturating_duration_since(now))
    }

    /// An attempt succeeded. Whether that ended an outage.
    pub(super) fn stored(&mut self) -> bool {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.failures_in_a_row = 0;
        self.unread_in_a_row = 0;
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
        self.unread_in_a_row = if blame == Blame::Spool { self.unread_in_a_row.saturating_add(1) } else { 0 };
        // Wrong settings say nothing about the picture: it waits until somebody has mended them, as long as the spool holds.
        let is_its_own = parcel.since.is_some_and(|before| self.tally.has_served_since(before));
        match blame {
            Blame::Attempt => {
                // It answered, so it is there.
                parcel.refusals += 1;
                self.failures_in_a_row = 0;
                self.outage = None;
            }
            Blame::StoreAway => {
                parcel.refusals += u32::from(is_its_own);
                self.tally.missed += 1;
                parcel.since = Some(self.tally);
                // One that failed while others were stored says nothing about the store any more.
                if parcel.refusals == 0 || parcel.is_probe {
                    self.missed(&parcel, now, roll);
                }
            }
            Blame::Settings => {
                // What the settings seem to forbid, and others may, is forbidden to this picture alone.
                parcel.refusals += u32::from(is_its_own);
                parcel.since = Some(self.tally);
                if !is_its_own || parcel.is_probe {
                    let next_probe_at = now + self.terms.backoff.longest(roll);
                    self.suspect = None;
                    self.outage = Some(Outage { probes: Self::AWAY_AFTER, next_probe_at, has_asked_another: false });
                }
            }
            Blame::Spool => {
                parcel.refusals += u32::from(parcel.since.is_some_and(|before| self.tally.was_readable_since(before)));
                self.tally.unread += 1;
                parcel.since = Some(self.tally);
            }
        }
        if parcel.is_witness || parcel.refusals >= self.terms.max_retries.max(1) {
            return Verdict::GivenUp;
        }
        if self.outage.is_some() && blame != Blame::Spool {
            self.late_or_urgent(now, parcel);
        } else {
            self.rested += 1;
            let wait = self.terms.backoff.wait(parcel.failures, roll);
            self.resting.insert((now + wait, self.rested), parcel);
        }
        Verdict::Again
    }

    /// The store failed. In an outage only probes count: what was in flight when it began says nothing new.
    fn missed(&mut self, parcel: &Parcel, now: Instant, roll: f64) {
        let is_alone = self.failures_in_a_row == 0 || self.suspect == Some(parcel.id());
        self.suspect = is_alone.then_some(parcel.id());
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        let backoff = self.terms.backoff;
        match &mut self.outage {
            Some(outage) if parcel.is_probe => {
                outage.probes = outage.probes.saturating_add(1);
                outage.next_probe_at = now + backoff.wait(outage.probes, roll);
            }
            Some(_) => {}
            None if self.failures_in_a_row >= Self::AWAY_AFTER => {
                let next_probe_at = now + backoff.wait(1, roll);
                self.outage = Some(Outage { probes: 1, next_probe_at, has_asked_another: false });
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
#[path = "tests/uplink.rs"]
mod tests;
