use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::Failure;
use crate::{
    detect::{Model, ModelDetector, Task},
    settings::ModelSource,
    words::with_causes,
};

/// What `[detector]` says where it says nothing.
const MAX_OVERLAP: f32 = 0.5;

/// Which model looks, and from which score on it counts.
#[derive(Debug, Args)]
pub(super) struct ModelArgs {
    /// The model: an ONNX file, with MODEL.toml beside it where it needs one; or "embedded" for the one in the program
    #[arg(short, long, value_name = "PATH", default_value = ModelSource::EMBEDDED)]
    model: PathBuf,
    /// Detections count from this score on, 0 to 1 [default: what the model's sidecar says, or else 0.45]
    #[arg(long, value_name = "SCORE", value_parser = score)]
    min_score: Option<f32>,
}

impl ModelArgs {
    /// Loads the model.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn load(&self) -> Result<Arc<Model>, Failure> {
        let source = match self.model.to_str() {
            Some(ModelSource::EMBEDDED) => ModelSource::Embedded,
            _ => ModelSource::File(self.model.clone()),
        };
        Model::open(&source).map(Arc::new).map_err(|e| Failure::Failed(with_causes(&e)))
    }

    /// The model's name, for people.
    pub(super) fn name(&self) -> String {
        self.model.display().to_string()
    }

    /// The threshold with this model.
    pub(super) fn min_score(&self, model: &Model) -> f32 {
        self.min_score.unwrap_or(model.min_score)
    }
}

/// A detector that sees these labels (all where none is named) from this score on.
///
/// # Errors
/// A label that the model does not know.
pub(super) fn detector(model: Arc<Model>, labels: &[Arc<str>], min_score: f32) -> Result<ModelDetector, Failure> {
    let task = Task::asking(model, labels, min_score, MAX_OVERLAP);
    task.and_then(|task| task.detector()).map_err(|e| Failure::Failed(with_causes(&e)))
}

fn score(text: &str) -> Result<f32, String> {
    let score = text.parse().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| "a score is a number from 0 to 1, such as 0.45".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;

    #[test]
    fn overlap_is_that_of_the_settings() {
        let settings = settings::load_from("", [], std::path::Path::new(".")).expect("in order");
        assert_eq!(settings.detector.max_overlap, MAX_OVERLAP);
    }

    #[test]
    fn scores_are_parts_of_one() {
        assert_eq!(score("0.3"), Ok(0.3));
        assert_eq!([score("0"), score("1")], [Ok(0.0), Ok(1.0)]);
        for wrong in ["", "45", "-0.1", "NaN", "0,5"] {
            assert!(score(wrong).is_err(), "{wrong}");
        }
    }
}
