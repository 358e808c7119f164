//! Starts of a whole house without cameras.

use std::{fs, path::Path};

use super::*;
use crate::{
    events::Store,
    settings::{ModelSource, load},
};

/// Settings of a house with one sink, a file, and its storage in `folder`.
fn settings(folder: &Path) -> Settings {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/brightness.onnx");
    let text = format!(
        "[server]\nbind = \"127.0.0.1:0\"\n[storage]\npath = \"storage\"\n\
         [detector]\nmodel = \"{}\"\nmin_score = 0.5\nworkers = 1\n\
         [[sinks]]\nname = \"log\"\ntype = \"file\"\npath = \"log.jsonl\"\n",
        model.display()
    );
    let file = folder.join("lookout.toml");
    fs::write(&file, text).expect("written");
    load(Some(&file)).expect("sound settings").0
}

#[actix::test]
async fn what_cannot_start_tells_nothing_before_it_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = settings(folder.path());
    let no_model = folder.path().join("model.onnx");
    fs::write(&no_model, "no model").expect("written");
    settings.detector.model = ModelSource::File(no_model);
    let failed = Running::start(settings.clone(), None).await.err().expect("it cannot start");
    assert!(matches!(failed, AppError::Model(_)), "{failed}");
    // A courier that was begun would hold the outbox, and the outbox its lock.
    Store::open(&settings.storage).expect("nobody has it");
}
