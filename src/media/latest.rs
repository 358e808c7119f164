use std::sync::Arc;

use actix::{Message, Recipient};
use parking_lot::Mutex;

use super::Frame;
use crate::words::{Detection, Moment};

/// A place for one waiting thing, in which a newer one replaces an older one.
#[derive(Debug)]
pub struct Latest<T>(Mutex<Option<T>>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Latest<T> {
    /// Puts `value` in and returns what it replaced. Only where that is `None` is a ticket due:
    /// otherwise the one sent before is still queued and will find `value`.
    pub fn put(&self, value: T) -> Option<T> {
        self.0.lock().replace(value)
    }

    /// Takes out what waits.
    pub fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

/// The ticket: somewhere a frame waits to be looked at.
///
/// A camera has at most one ticket queued, so the pool's queue is never longer than the number of cameras, and serving
/// it in order is serving the cameras in turn. The worker takes the newest frame at the moment it starts.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct FrameReady {
    /// Where the frame waits.
    pub slot: Arc<Latest<Frame>>,
    /// Whom to tell what is seen in it.
    pub reply: Recipient<Detected>,
}

/// The answer: a frame was looked at.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Detected {
    /// The frame, shared so that pictures can be made of it.
    pub frame: Arc<Frame>,
    /// What was seen, the highest score first; or why nothing could be.
    pub seen: Result<Vec<Detection>, Arc<str>>,
    /// When the answer was there.
    pub at: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_waits_and_a_ticket_is_due_once() {
        let slot = Latest::default();
        assert_eq!(slot.put(1), None, "empty: send a ticket");
        assert_eq!(slot.put(2), Some(1), "superseded: the ticket is out already");
        assert_eq!(slot.take(), Some(2));
        assert_eq!(slot.take(), None);
        assert_eq!(slot.put(3), None, "taken: send a ticket again");
    }
}
