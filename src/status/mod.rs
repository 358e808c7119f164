//! What everybody may look at without asking anybody: cells of atomics that their owners write and HTTP reads.

mod access;
mod audience;
mod board;
mod camera;
mod counters;
mod evidence;
mod latency;
mod metrics;
mod process;
mod relay;
mod stream;

pub use access::AccessCell;
pub use audience::AudienceCell;
pub use board::{Board, DetectorCell, OutboxCell, SinkCell, SinkState};
pub use camera::{CameraCell, CameraState, LastSeen, Picture, StateView};
pub use counters::{Counter, FrameCounters, Gauge, SkipReason};
pub use evidence::EvidenceCell;
pub use latency::{Latency, Quantiles};
pub use metrics::metrics_text;
pub use process::{Usage, usage};
pub use relay::{RelayCell, RelayStage, RelayState};
pub use stream::{LeftOut, SoundFacts, StreamFacts};
