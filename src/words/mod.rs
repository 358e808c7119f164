//! Small words that every room shares: who, when, where, and why.

mod clock;
mod detection;
mod geometry;
mod ids;
mod reason;
mod said;

pub use clock::Moment;
pub use detection::Detection;
pub use geometry::{Point, Polygon, Rect};
pub use ids::{CameraId, EventId, Generation, InvalidCameraId, VisitId};
pub use reason::Reason;
pub use said::{panic_text, with_causes};
