//! What is worth telling: events, the outbox that keeps them until they are told, and how long it keeps them.

mod addressee;
mod addressees;
mod budget;
mod event;
mod evidence;
mod filter;
mod outbox;
#[cfg(test)]
pub(crate) mod sample;
mod store;

pub use addressee::Addressee;
pub use event::{
    CameraRef, DigestFacts, DigestGroup, Event, FrameFacts, OpenVisit, ReasonFacts, Record, Sighting, Snapshot,
    StoredFrame, Subject, Unfinished, VisitFacts,
};
pub use evidence::{Attach, Attached, Release, Secure, Shot};
pub use outbox::{
    ApplySinks, CameraForgotten, Claim, Claimed, Flush, Outbox, Retry, Settle, Settlement, Subscribe, Wake,
};
pub use store::{
    DeadLetter, Delivery, DeliveryFilter, DeliveryState, DeliveryView, EventFilter, OutboxError, Reader, Readers,
    Retained, Store, Tally,
};

pub use crate::words::EventKind;

#[cfg(test)]
pub(crate) use {outbox::tests::Inject, store::faults::Fault};
