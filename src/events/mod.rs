//! What is worth telling: events, the outbox that keeps them until they are told, and how long it keeps them.

mod event;
mod outbox;
#[cfg(test)]
pub(crate) mod sample;
mod store;

pub use event::{
    CameraRef, Event, EventKind, FrameFacts, OpenVisit, ReasonFacts, Record, Sighting, Subject, Unfinished, VisitFacts,
};
pub use outbox::{ApplySinks, Claim, Claimed, Flush, Outbox, Retry, Settle, Settlement, Subscribe, Wake};
pub use store::{DeadLetter, Delivery, EventFilter, OutboxError, Reader, Retained, Store, Tally};

#[cfg(test)]
pub(crate) use {outbox::tests::Inject, store::faults::Fault};
