//! Settings are tried before they count: what `run` would make of them is made, by the same constructors, and let go of.
//! Nothing is connected to, and nothing is written.

use std::{
    path::{Path, PathBuf},
    slice,
    sync::Arc,
};

use crate::{
    detect::Model,
    evidence,
    roster::{self, Roster, RosterError},
    settings::{self, Camera, Problem, Problems, Settings, SettingsError},
    sinks::{self, Surroundings},
    status::Board,
    words::with_causes,
};

/// Settings of which everything can be made.
#[derive(Debug)]
pub struct Tried {
    /// The settings.
    pub settings: Settings,
    /// The file that they came from.
    pub path: PathBuf,
    /// The least score that the model itself wants.
    pub min_score: f32,
    /// What keeps nothing from starting and is a slip all the same, perhaps.
    pub remarks: Problems,
}

/// Reads the settings as `settings::load` does, and tries them. That takes a while: a model is made ready.
///
/// # Errors
/// They are not sound, or something cannot be made of them; then all of it at once.
pub fn read_and_try(config: Option<&Path>) -> Result<Tried, SettingsError> {
    let (settings, path) = settings::load(config)?;
    let mut problems = Problems::default();
    let min_score = try_model(&settings.detector, &mut problems);
    try_sinks(&settings.sinks, &mut problems);
    if let Some(Err(error)) = settings.snapshots.as_ref().map(|it| evidence::Pictures::open(it, PathBuf::new())) {
        problems.add(&format!("snapshots.{}", error.key()), with_causes(&error));
    }
    let cameras = try_cameras(&settings, &mut problems);
    match (min_score, cameras) {
        (Some(min_score), Some(cameras)) if problems.is_empty() => {
            let remarks = settings::strangers(&settings.sinks, &cameras);
            Ok(Tried { settings, path, min_score, remarks })
        }
        _ => Err(SettingsError::Invalid { path, problems }),
    }
}

fn try_model(detector: &settings::Detector, problems: &mut Problems) -> Option<f32> {
    let model = match Model::open(&detector.model) {
        Ok(model) => model,
        Err(error) => {
            problems.add("detector.model", with_causes(&error));
            return None;
        }
    };
    // One by one, so that all that it does not know are named.
    let select = |label| model.labels.select(slice::from_ref(label));
    for (n, unknown) in detector.labels.iter().enumerate().filter_map(|(n, label)| Some((n, select(label).err()?))) {
        problems.add(&format!("detector.labels[{n}]"), unknown.to_string());
    }
    Some(model.min_score)
}

fn try_sinks(sinks: &[settings::Sink], problems: &mut Problems) {
    // A sink connects no sooner than its courier begins, so nobody needs to be around.
    let surroundings = Surroundings { source: String::new(), board: Arc::new(Board::default()), pictures: None };
    for (n, sink) in sinks.iter().enumerate() {
        if let Err(error) = sinks::open(sink, &surroundings) {
            let key = error.key().map(|key| format!(".{key}")).unwrap_or_default();
            problems.add(&format!("sinks[{n}]{key}"), with_causes(&error));
        }
    }
}

/// All cameras that there are with these settings.
fn try_cameras(settings: &Settings, problems: &mut Problems) -> Option<Vec<Camera>> {
    // Where none were added, `run` would make a key; this makes nothing.
    if !roster::kept_in(&settings.storage.path).exists() {
        return Some(settings.cameras.clone());
    }
    match Roster::open(settings) {
        Ok(roster) => return Some(roster.cameras()),
        Err(RosterError::Invalid { camera, problems: wrong, .. }) => {
            for Problem { path, text } in wrong.into_list() {
                problems.add(&roster::of_added(&camera, &path), text);
            }
        }
        Err(error) => problems.add("storage.path", error.to_string()),
    }
    None
}
