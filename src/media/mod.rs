//! Pictures on their way: compressed (access units), decoded (frames), and the places where they wait.

mod access_unit;
mod backlog;
mod burst;
mod decode_times;
mod feed;
mod frame;
mod latest;
mod piece;
mod rgb;
#[cfg(test)]
pub(crate) mod sample;
mod sequence;
mod sound;

pub use access_unit::AccessUnit;
pub use backlog::Backlog;
pub use burst::{BurstFrame, BurstOrder};
pub use decode_times::DecodeTimes;
pub use feed::{Feed, Follower};
pub use frame::{Frame, I420, Origin};
pub use latest::{Detected, FrameReady, Latest};
pub use piece::{Life, Picture, Piece, nal_units};
pub use sequence::{SequenceError, read_sequence};
pub use sound::{Sound, SoundFormat};
