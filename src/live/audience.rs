use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::status::AudienceCell;

/// Those who are sent something for as long as they take it: how many there may be, and their end.
#[derive(Debug)]
pub struct Audience {
    at_most: usize,
    seats: Arc<Semaphore>,
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
}

impl Audience {
    /// Nobody yet, and never more than `at_most`.
    pub fn new(at_most: usize, cell: Arc<AudienceCell>) -> Self {
        Self { at_most, seats: Arc::new(Semaphore::new(at_most)), ending: watch::Sender::new(false), cell }
    }

    /// A seat.
    ///
    /// # Errors
    /// When there is none, or the end has begun.
    pub fn enter(&self) -> Result<Seat, Full> {
        let ending = self.ending.subscribe();
        if *ending.borrow() {
            return Err(Full::Ending);
        }
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        let seat = seat.map_err(|_| Full::Taken { at_most: self.at_most })?;
        self.cell.present.add(1);
        Ok(Seat { _seat: seat, ending, cell: Arc::clone(&self.cell) })
    }

    /// Sends everybody home; nobody else comes in.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }
}

/// A seat, free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    _seat: OwnedSemaphorePermit,
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
        let (one, mut other) = (audience.enter().expect("a seat"), audience.enter().expect("a seat"));
        assert_eq!(audience.enter().expect_err("full"), Full::Taken { at_most: 2 });
        drop(one);
        assert_eq!(cell.present.get(), 1);
        audience.end();
        other.ending().await;
        assert_eq!(audience.enter().expect_err("over"), Full::Ending);
    }
}
