use std::path::Path;

use super::{
    Camera, Evidence, VisitRules,
    check::cameras_of,
    problems::Problems,
    raw, shape,
    show::{self, MASK},
    tree::Value,
};

/// What holds for each camera that says nothing else, for cameras that come while the program runs.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraDefaults {
    /// `[visits]` as written, for those who say a part of it.
    pub(super) visits: raw::Visits,
    /// `[visits]`.
    pub(super) rules: VisitRules,
    /// `frames` and `every` of `[snapshots]`.
    pub(super) evidence: Evidence,
}

impl CameraDefaults {
    /// Reads a camera that was written as JSON, by the rules of the file; only `${NAME}` means nothing in it.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the path of its key within the camera.
    pub fn read(&self, written: &serde_json::Value) -> Result<Camera, Problems> {
        let mut problems = Problems::default();
        let list = Value::List(vec![tree(written)]);
        let mut whole = Value::Table([("cameras".to_owned(), list)].into());
        let file = shape::read(&mut whole, &mut problems);
        let camera = file.and_then(|file| cameras_of(file, self, Path::new("."), &mut problems).pop());
        match camera {
            Some(camera) if problems.is_empty() => Ok(camera),
            _ => Err(problems.within("cameras[0]", "(the whole camera)")),
        }
    }
}

/// What was masked when a camera was shown is not taken back for the secret that it was.
///
/// # Errors
/// The keys that hold a mask.
pub fn refuse_masked(written: &serde_json::Value) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let text = |key: &str| written.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let masked = ["username", "password"].into_iter().filter(|key| text(key) == MASK);
    for key in masked.chain(["url", "relay"].into_iter().filter(|key| text(key).contains(MASK))) {
        problems.add(key, "it was masked when it was shown: write it out, or change only the rest (PATCH)");
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// A camera in the form of the file, as JSON. Secrets are `***`.
pub fn camera_as_written(camera: &Camera) -> serde_json::Value {
    serde_json::to_value(show::camera(camera)).unwrap_or_default()
}

fn tree(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Blank,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Float(number.as_f64().unwrap_or(f64::MAX)),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(tree).collect()),
        // What is null is not said.
        Json::Object(table) => {
            let said = table.iter().filter(|(_, value)| !value.is_null());
            Value::Table(said.map(|(key, value)| (key.clone(), tree(value))).collect())
        }
    }
}
