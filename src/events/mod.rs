//! What is worth telling: events, the outbox that keeps them until they are told, and how long it keeps them.

mod event;

pub use event::{
    CameraRef, Event, EventKind, FrameFacts, OpenVisit, ReasonFacts, Record, Sighting, Subject,
    Unfinished, VisitFacts,
};
