use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::Failure;
use crate::{
    detect::{Model, ModelDetector, Task},
    words::with_causes,
};

/// What `[detector]` says where it says nothing.
const MIN_SCORE: f32 = 0.45;
const MAX_OVERLAP: f32 = 0.5;

/// Which model looks, and from which score on it counts.
#[derive(Debug, Args)]
pub(super) struct ModelArgs {
    /// The model: an ONNX file, with MODEL.toml beside it where it needs one; or "embedded" for the one in the program
    #[arg(short, long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Detections count from this score on, 0 to 1 [default: 0.45]
    #[arg(long, value_name = "SCORE", value_parser = score)]
    min_score: Option<f32>,
}

impl ModelArgs {
    /// Loads the model.
    ///
    /// # Errors
    /// What is wrong with it, or that none was named.
    pub(super) fn load(&self) -> Result<Arc<Model>, Failure> {
        match &self.model {
            Some(path) if path != Path::new("embedded") => {
                Model::load(path).map(Arc::new).map_err(|e| Failure::Failed(with_causes(&e)))
            }
            _ => default_model(),
        }
    }

    /// The model's name, for people.
    pub(super) fn name(&self) -> String {
        self.model.as_ref().map_or_else(|| "embedded".to_owned(), |path| path.display().to_string())
    }

    /// The threshold.
    pub(super) fn min_score(&self) -> f32 {
        self.min_score.unwrap_or(MIN_SCORE)
    }
}

/// The model that is used where none is named.
fn default_model() -> Result<Arc<Model>, Failure> {
    Err(Failure::Usage("name a model: --model MODEL.onnx (this program carries none of its own)".to_owned()))
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
    fn thresholds_are_those_of_the_settings() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("m.onnx"), "").expect("written");
        let settings = settings::load_from("detector.model = \"m.onnx\"", [], folder.path()).expect("in order");
        assert_eq!((settings.detector.min_score, settings.detector.max_overlap), (MIN_SCORE, MAX_OVERLAP));
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
