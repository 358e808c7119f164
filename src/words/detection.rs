use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::Rect;

/// One thing seen in one frame.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Detection {
    /// What it is, in the model's words.
    pub label: Arc<str>,
    /// How sure the model is, 0 to 1.
    pub score: f32,
    /// Where, in parts of the picture.
    #[serde(rename = "box")]
    pub area: Rect,
}
