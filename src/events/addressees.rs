use std::{sync::Arc, time::Instant};

use super::{
    Addressee, Event,
    budget::{Ledger, Start, Verdict},
    filter,
};

/// The sinks that are told of events, and what each has been told within the last minute.
#[derive(Debug, Default)]
pub(super) struct Addressees(Vec<Entry>);

/// One of them.
#[derive(Debug)]
pub(super) struct Entry {
    addressee: Addressee,
    ledger: Ledger,
}

impl Addressees {
    /// These are the sinks now. What those that stay were told is remembered; for the others `told` says it: cameras
    /// and when, the oldest first.
    pub(super) fn replace(
        &mut self,
        addressees: Vec<Addressee>,
        mut told: impl FnMut(&Addressee) -> Vec<(String, Instant)>,
    ) {
        let mut before = std::mem::take(&mut self.0);
        let entry = |addressee: Addressee| {
            let same = before.iter().position(|old| {
                old.addressee.name == addressee.name && old.addressee.budget.is_some() == addressee.budget.is_some()
            });
            let ledger = same.map(|i| before.swap_remove(i).ledger).unwrap_or_else(|| {
                let mut ledger = Ledger::default();
                told(&addressee).iter().for_each(|(camera, at)| ledger.enter(camera, *at));
                ledger
            });
            Entry { addressee, ledger }
        };
        self.0 = addressees.into_iter().map(entry).collect();
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.0.iter().map(|entry| Arc::clone(&entry.addressee.name)).collect()
    }

    /// Whether a sink of this name is among them.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|entry| *entry.addressee.name == *name)
    }

    /// Those that want the event.
    pub(super) fn wanting<'a>(&'a mut self, event: &'a Event) -> impl Iterator<Item = &'a mut Entry> {
        self.0.iter_mut().filter(|entry| filter::admits(&entry.addressee.filter, event))
    }

    /// What was judged so far is written down.
    pub(super) fn confirm(&mut self) {
        self.0.iter_mut().for_each(|entry| entry.ledger.confirm());
    }

    /// What was judged since could not be written down.
    pub(super) fn take_back(&mut self) {
        self.0.iter_mut().for_each(|entry| entry.ledger.take_back());
    }
}

impl Entry {
    /// The sink's name.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.addressee.name
    }

    /// Whether it matters what the sink knows of an event's start.
    pub(super) fn is_budgeted(&self) -> bool {
        self.addressee.budget.is_some()
    }

    /// What becomes of the event for this sink.
    pub(super) fn judge(&mut self, event: &Event, start: Option<Start>, now: Instant) -> Verdict {
        match self.addressee.budget {
            Some(budget) => self.ledger.judge(budget, event, start, now),
            None => Verdict::Tell,
        }
    }
}
