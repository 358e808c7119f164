//! Small words that every room shares: who, when, where, and why.

mod backoff;
mod clock;
mod detection;
mod event_kind;
mod geometry;
mod ids;
mod reason;
mod role;
mod said;
mod weekly;

pub use backoff::Backoff;
pub use clock::Moment;
pub use detection::Detection;
pub use event_kind::EventKind;
pub use geometry::{Point, Polygon, Rect};
pub use ids::{CameraId, EventId, Generation, InvalidCameraId, VisitId};
pub use reason::Reason;
pub use role::Role;
pub use said::{panic_text, with_causes};
pub use weekly::{Weekly, WeeklySpan};
