//! How well a model sees people: a dataset of photos with true boxes, and what a model saw in them, become figures.
//!
//! Nothing here reads a picture or runs a model. A `Dataset` says what there is to see; an `Evaluation` takes what was
//! seen, photo by photo, and makes a `Report` of it. `judging` decides what each detection is worth, `curve` turns
//! that into precision, recall and average precision.

mod curve;
mod dataset;
mod error;
mod evaluation;
mod heights;
mod judging;
mod report;
mod table;

pub use curve::Curve;
pub use dataset::{Dataset, Photo};
pub use error::EvaluateError;
pub use evaluation::{Evaluation, Looked, Mistake};
pub use heights::Heights;
pub use judging::{Judgement, MATCH, judge};
pub use report::{Figures, Latency, Report, Threshold};

/// Average precision is the area over all scores: models are asked for everything down to this one. It is low enough
/// that models whose scores are spread out to the ends of the scale are not cut short.
pub const LEAST_SCORE: f32 = 0.001;

/// What is looked for.
pub const PERSON: &str = "person";
