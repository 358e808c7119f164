//! Pictures on their way: compressed (access units), decoded (frames), and the places where they wait.

mod access_unit;
mod backlog;
mod burst;
mod frame;
mod latest;
mod rgb;

pub use access_unit::AccessUnit;
pub use backlog::Backlog;
pub use burst::{BurstFrame, BurstOrder};
pub use frame::{Frame, I420, Origin};
pub use latest::{Detected, FrameReady, Latest};
