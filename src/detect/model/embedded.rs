//! The person detector that the program carries, so that it works with no download: `models/` says how it came about.

use tract_onnx::prelude::{Framework, InferenceModel, TractError};

use super::{DetectError, Sidecar, reader};

/// What errors call it.
pub(super) const NAME: &str = "the embedded model";

const ONNX: &[u8] = include_bytes!("../../../models/person.onnx");
const SIDECAR: &str = include_str!("../../../models/person.toml");

pub(super) fn model() -> Result<InferenceModel, DetectError> {
    let unusable = |source: TractError| DetectError::Model { model: NAME.into(), source: source.into() };
    reader().model_for_read(&mut &*ONNX).map_err(unusable)
}

pub(super) fn sidecar() -> Result<Sidecar, DetectError> {
    Sidecar::parse(SIDECAR).map_err(|source| DetectError::Sidecar { file: format!("{NAME}'s sidecar"), source })
}
