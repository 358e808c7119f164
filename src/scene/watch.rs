use std::{sync::Arc, time::Instant};

use super::{
    Finding, Proof,
    best::{Best, worth},
    report::{Decision, Reporter},
    stationary::{Looked, Stationary},
    visits::{Change, Rules, Sample, Visits},
    zones::Area,
};
use crate::{
    events::{Sighting, VisitFacts},
    media::Detected,
    words::Detection,
};

/// An area, the visits of one kind there, and what is to be remembered of them. A dog that is there must not keep it from
/// being told that a person comes.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) area: Area,
    pub(super) label: Arc<str>,
    visits: Visits,
    best: Option<Best>,
    stationary: Stationary,
}

/// A sample, as all watches of a camera are shown it.
pub(super) struct Look<'a> {
    pub(super) detected: &'a Detected,
    pub(super) seen: &'a [Detection],
    pub(super) tracks: &'a [Option<u64>],
    /// The clock that stands still while the camera is gone.
    pub(super) clock: Instant,
}

/// What a sample led to.
pub(super) enum News {
    /// Something to tell.
    Found(Box<Finding>),
    /// A visit that is not told, because of the cooldown or because nobody is new.
    HeldBack,
}

impl Watch {
    pub(super) fn new(area: Area, label: Arc<str>) -> Self {
        Self { area, label, visits: Visits::default(), best: None, stationary: Stationary::default() }
    }

    /// Whether somebody counts here.
    pub(super) fn concerns(&self, seen: &Detection) -> bool {
        seen.label == self.label && self.area.holds(&seen.area)
    }

    /// The same watch, of an area that was drawn anew.
    pub(super) fn redrawn(self, area: Area) -> Self {
        Self { area, ..self }
    }

    /// Looks at a sample.
    pub(super) fn look(&mut self, look: &Look<'_>, rules: &Rules, reporter: &Reporter) -> Option<News> {
        let Look { detected, seen, tracks, clock } = look;
        let captured = detected.frame.origin.captured;
        let inside: Vec<_> = seen.iter().zip(*tracks).filter(|(person, _)| self.concerns(person)).collect();
        let people: Vec<_> = inside.iter().map(|(person, _)| *person).collect();
        self.stationary.looked(Looked { at: captured.steady, clock: *clock }, rules.blind);
        let newcomers = self.stationary.newcomers(&people, captured.steady, rules.stationary);
        let many = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let sample = Sample { captured, clock: *clock, count: many(people.len()), fresh: many(newcomers.len()) };
        let change = self.visits.judge(sample, rules, || reporter.ids.visit());
        if self.visits.is_open() && !rules.stationary.is_zero() {
            self.stationary.note(&newcomers, captured.steady, rules.quiet);
        }
        let sightings = || {
            let of = |(person, track): &(&Detection, &Option<u64>)| Sighting {
                score: person.score,
                area: person.area,
                track: **track,
            };
            Decision { detected, inside: inside.iter().map(of).collect() }
        };
        let worth = worth(newcomers);
        match change {
            Some(Change::Started(visit)) => {
                self.best = Some(Best::opening(worth));
                let event = reporter.started(visit, self.area.name.clone(), self.label.clone(), sightings());
                Some(News::Found(Box::new(Finding { event, proof: Some(Proof::now(detected, seen)) })))
            }
            Some(Change::Ended(visit)) => {
                Some(News::Found(Box::new(self.ended(visit, rules, reporter, Some(sightings())))))
            }
            Some(Change::HeldBack) => Some(News::HeldBack),
            None => {
                if self.visits.is_open() {
                    let best = self.best.get_or_insert_with(Best::unknown);
                    best.consider(worth, || Proof::for_later(detected, seen));
                }
                None
            }
        }
    }

    /// Ends the open visit without a sample that shows that nobody is there.
    pub(super) fn end(&mut self, rules: &Rules, reporter: &Reporter) -> Option<Finding> {
        let visit = self.visits.end()?;
        Some(self.ended(visit, rules, reporter, None))
    }

    /// The same at a known moment, from which on the cooldown counts, because nobody has looked for too long: who was
    /// there has not stayed as far as anybody knows.
    pub(super) fn end_unseen(&mut self, at: Instant, rules: &Rules, reporter: &Reporter) -> Option<Finding> {
        self.stationary.forget();
        let found = self.end(rules, reporter)?;
        self.visits.rest_from(at);
        Some(found)
    }

    fn ended(
        &mut self,
        visit: VisitFacts,
        rules: &Rules,
        reporter: &Reporter,
        decision: Option<Decision<'_>>,
    ) -> Finding {
        self.stationary.settle(rules.quiet);
        let event = reporter.ended(visit, self.area.name.clone(), Some(self.label.clone()), decision);
        Finding { event, proof: self.best.take().and_then(Best::into_proof) }
    }

    /// Takes up a visit that was open when the process last ended; gives it back if one is open already.
    pub(super) fn resume(&mut self, visit: VisitFacts, clock: Instant) -> Result<(), VisitFacts> {
        self.visits.resume(visit, clock)
    }

    /// Whether a visit is open.
    pub(super) fn is_open(&self) -> bool {
        self.visits.is_open()
    }
}
