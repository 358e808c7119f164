use std::sync::Arc;

use actix::{Message, Recipient};
use jiff::Timestamp;

use crate::{
    events::{Addressee, Delivery, OutboxError},
    status::SinkCell,
    words::{CameraId, EventId},
};

/// Command: let `wake` know whenever there may be something for the sink of `cell`, and at once for the first time; keep
/// the numbers of pending and dead deliveries in the cell. One hand writes them, as answers may overtake one another.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    /// The sink's cell.
    pub cell: Arc<SinkCell>,
    /// Its courier.
    pub wake: Recipient<Wake>,
}

/// Fact for a courier: there may be something to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Wake {
    /// Something was recorded, or is no longer held.
    News,
    /// Somebody wants it tried: also where the receiver has said that it wants no more.
    Wanted,
}

/// Fact: a camera is gone for good, so nobody will be told that it is back.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct CameraForgotten(pub CameraId);

/// Command: these are the sinks now. A new one gets the events recorded from here on; what waits for one that is gone
/// stays for as long as events are kept, and goes out if it comes back.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ApplySinks(pub Vec<Addressee>);

/// Question of a courier: what is due?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Claimed, OutboxError>")]
pub struct Claim {
    /// The sink.
    pub sink: Arc<str>,
    /// Lanes of which a delivery is in flight: nothing of theirs.
    pub busy: Vec<Arc<str>>,
    /// At most so many.
    pub limit: usize,
    /// Nothing that failed before.
    pub untried_only: bool,
}

/// What is due. Nothing is marked: who claims must not claim of the same lane again before `Settle` was answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claimed {
    /// To be delivered now.
    pub deliveries: Vec<Delivery>,
    /// When the next postponed one falls due.
    pub next_retry_at: Option<Timestamp>,
    /// When the next hold ends.
    pub next_hold_end: Option<Timestamp>,
}

/// Command of a courier: write down how an attempt ended. An error means that it is not written down; send it again, or
/// the event is delivered once more.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), OutboxError>")]
pub struct Settle {
    /// The sink.
    pub sink: Arc<str>,
    /// The delivery.
    pub seq: i64,
    /// How it ended.
    pub settlement: Settlement,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The receiver has it.
    Acknowledged {
        /// It came back after an outage: what was postponed is due at once.
        hasten: bool,
    },
    /// It failed; try again.
    Postponed {
        /// When.
        until: Timestamp,
        /// Why, without secrets.
        error: String,
    },
    /// It failed for the last time.
    Buried {
        /// Why, without secrets.
        error: String,
    },
}

/// Command: try dead letters anew; of one sink or all, of one event or all. Answers how many there were. Sinks whose
/// receiver wanted no more are tried, too.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "Result<usize, OutboxError>")]
pub struct Retry {
    /// Only of this sink.
    pub sink: Option<Arc<str>>,
    /// Only of this event.
    pub event: Option<EventId>,
}

/// Command: write down now what was recorded so far. Answers how many events could not be written.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "usize")]
pub struct Flush;
