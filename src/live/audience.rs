use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::status::AudienceCell;

/// Those who are sent something for as long as they take it: how many there may be, and their end.
#[derive(Debug)]
pub struct Audience {
    at_most: usize,
    seats: Arc<Semaphore>,
    /// How many seats those have whose name is known.
    taken: Arc<Mutex<HashMap<Arc<str>, usize>>>,
    ending: watch::Sender<bool>,
    cell: Arc<AudienceCell>,
}

/// Why nobody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The end has begun.
    #[error("ending")]
    Ending,
    /// Every seat is taken.
    #[error("all {at_most} seats are taken")]
    Taken {
        /// How many there are.
        at_most: usize,
    },
    /// This one has as many as one may have: a program that leaks them must not shut out everybody else.
    #[error("you have {share} of the {at_most} seats already, as many as one may have")]
    Share {
        /// How many one may have.
        share: usize,
        /// How many there are.
        at_most: usize,
    },
}

impl Audience {
    /// Nobody yet, and never more than `at_most`.
    pub fn new(at_most: usize, cell: Arc<AudienceCell>) -> Self {
        let seats = Arc::new(Semaphore::new(at_most));
        Self { at_most, seats, taken: Arc::default(), ending: watch::Sender::new(false), cell }
    }

    /// How many there may be.
    pub fn at_most(&self) -> usize {
        self.at_most
    }

    /// A seat for somebody, who is known by a name or not. Everybody of one name together gets half of the seats.
    ///
    /// # Errors
    /// When there is none, or the end has begun.
    pub fn enter(&self, who: Option<&Arc<str>>) -> Result<Seat, Full> {
        let ending = self.ending.subscribe();
        if *ending.borrow() {
            return Err(Full::Ending);
        }
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        let seat = seat.map_err(|_| Full::Taken { at_most: self.at_most })?;
        let name = who.map(|who| self.take(who)).transpose()?;
        self.cell.present.add(1);
        Ok(Seat { _seat: seat, _name: name, ending, cell: Arc::clone(&self.cell) })
    }

    fn take(&self, who: &Arc<str>) -> Result<Name, Full> {
        let share = self.at_most.div_ceil(2);
        let mut taken = self.taken.lock();
        let count = taken.entry(Arc::clone(who)).or_default();
        if *count >= share {
            return Err(Full::Share { share, at_most: self.at_most });
        }
        *count += 1;
        Ok(Name { name: Arc::clone(who), taken: Arc::clone(&self.taken) })
    }

    /// Sends everybody home; nobody else comes in.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }
}

/// Whose a seat is.
#[derive(Debug)]
struct Name {
    name: Arc<str>,
    taken: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(count) = taken.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.name);
            }
        }
    }
}

/// A seat, free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    _seat: OwnedSemaphorePermit,
    _name: Option<Name>,
    ending: watch::Receiver<bool>,
    cell: Arc<AudienceCell>,
}

impl Seat {
    /// Done when the end begins.
    pub async fn ending(&mut self) {
        let _ = self.ending.wait_for(|ending| *ending).await;
    }

    /// Counts what was handed to the connection.
    pub fn sent(&self, bytes: usize) {
        self.cell.sent.add(bytes as u64);
    }

    /// Counts that whoever sits here is sent away.
    pub fn dropped(&self) {
        self.cell.dropped.one();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.cell.present.add(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_so_many_seats_and_an_end() {
        let cell = Arc::new(AudienceCell::default());
        let audience = Audience::new(2, Arc::clone(&cell));
        let (one, mut other) = (audience.enter(None).expect("a seat"), audience.enter(None).expect("a seat"));
        assert_eq!(audience.enter(None).expect_err("full"), Full::Taken { at_most: 2 });
        drop(one);
        assert_eq!(cell.present.get(), 1);
        audience.end();
        other.ending().await;
        assert_eq!(audience.enter(None).expect_err("over"), Full::Ending);
    }

    #[test]
    fn nobody_takes_more_than_half_of_the_seats() {
        let audience = Audience::new(5, Arc::default());
        let [ann, bob]: [Arc<str>; 2] = ["ann".into(), "bob".into()];
        let mut seats: Vec<Seat> = (0..3).map(|_| audience.enter(Some(&ann)).expect("a seat")).collect();
        assert_eq!(audience.enter(Some(&ann)).expect_err("half"), Full::Share { share: 3, at_most: 5 });
        let bobs = [audience.enter(Some(&bob)).expect("a seat"), audience.enter(None).expect("a seat")];
        assert_eq!(audience.enter(Some(&bob)).expect_err("full"), Full::Taken { at_most: 5 });
        seats.pop();
        seats.push(audience.enter(Some(&ann)).expect("it is free again"));
        drop((seats, bobs));
        assert!(audience.taken.lock().is_empty(), "who left is forgotten");
    }
}
