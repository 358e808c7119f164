//! From a frame to what is in it: prepare, infer, read the boxes, make of those that show the same thing one, on a pool of threads.

pub mod agreement;
mod annotate;
mod detector;
mod error;
pub mod heads;
mod labels;
mod model;
pub mod nms;
pub mod pool;
pub mod prepare;
mod scripted;
mod sidecar;

pub use annotate::jpeg;
pub use detector::{Detector, ModelDetector, Task};
pub use error::DetectError;
pub use labels::Labels;
pub use model::{Model, Outputs, Session};
pub use scripted::{Act, Script, ScriptedDetector};
