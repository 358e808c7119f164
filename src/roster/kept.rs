use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::seal::SealingKey;
use crate::{
    disk::write_whole,
    settings::{Camera, CameraDefaults, Problems},
    words::CameraId,
};

/// The cameras that were added. Where they are and how to log in is sealed: that is nobody's business who reads a backup.
pub(super) const FILE: &str = "cameras.json";
const KEY: &str = "cameras.key";
const SEALED: [&str; 4] = ["url", "username", "password", "relay"];
const VERSION: u32 = 1;

/// Why the cameras that were added before cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// The file cannot be read.
    #[error("cannot read the cameras that were added, in {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// It is damaged, or of another version.
    #[error("{} does not hold cameras as this version keeps them: {why}; put a copy back, or remove it to start without them", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The key does not open it.
    #[error("the address of camera \"{camera}\" in {} cannot be read with {}: put the right key back, or remove the camera there", path.display(), key.display())]
    WrongKey {
        /// The camera.
        camera: String,
        /// The file.
        path: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// What was right when it was added is wrong now.
    #[error("camera \"{camera}\" in {} cannot be taken any more:\n{problems}", path.display())]
    Invalid {
        /// The camera.
        camera: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problems: Box<Problems>,
    },
}

/// A camera that was added.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// As it is watched.
    pub(super) camera: Camera,
    /// As it was written, secrets and all: never shown.
    pub(super) written: Value,
}

/// What was switched by hand, against what is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Switched {
    /// Cameras that were started or stopped.
    pub(super) cameras: BTreeMap<CameraId, bool>,
    /// Cameras that are not passed on.
    pub(super) relays_off: BTreeSet<CameraId>,
}

/// What the file holds.
#[derive(Default)]
pub(super) struct Content {
    pub(super) cameras: BTreeMap<CameraId, Kept>,
    pub(super) switched: Switched,
}

/// The file on disk.
#[derive(Debug)]
pub(super) struct KeptFile {
    path: PathBuf,
    key: SealingKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    cameras: Vec<Map<String, Value>>,
    #[serde(default)]
    switched: BTreeMap<CameraId, bool>,
    #[serde(default)]
    relays_off: BTreeSet<CameraId>,
}

impl KeptFile {
    /// Opens the file in the folder of the database; there may be none yet.
    pub(super) fn open(storage: &Path, defaults: &CameraDefaults) -> Result<(Self, Content), RosterError> {
        let (path, key_path) = (storage.join(FILE), storage.join(KEY));
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| RosterError::Unreadable { path, cause }
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path)(error)),
        };
        // Where something is sealed already, a new key beside it might be taken for the old one.
        let is_lost = text.as_ref().is_some_and(|text| text.contains("\"sealed\"")) && !key_path.exists();
        let key = if is_lost { SealingKey::fresh() } else { SealingKey::open_or_make(&key_path) };
        let key = key.map_err(unreadable(&key_path))?;
        let file = Self { path, key };
        let content = match text {
            Some(text) => file.read(&text, &key_path, defaults)?,
            None => Content::default(),
        };
        Ok((file, content))
    }

    fn read(&self, text: &str, key: &Path, defaults: &CameraDefaults) -> Result<Content, RosterError> {
        let damaged = |why: String| RosterError::Damaged { path: self.path.clone(), why };
        let document: Document = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if document.version != VERSION {
            return Err(damaged(format!("it is of version {}, this is {VERSION}", document.version)));
        }
        let mut cameras = BTreeMap::new();
        for mut table in document.cameras {
            let id = table.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let sealed = table.remove("sealed");
            let opened = sealed.as_ref().and_then(Value::as_str).and_then(|sealed| self.key.open(&id, sealed));
            let opened = opened.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
            let Some(opened) = opened else {
                return Err(RosterError::WrongKey { camera: id, path: self.path.clone(), key: key.to_owned() });
            };
            table.extend(opened);
            let written = Value::Object(table);
            let camera = defaults.read(&written).map_err(|problems| RosterError::Invalid {
                camera: id,
                path: self.path.clone(),
                problems: problems.into(),
            })?;
            cameras.insert(camera.id.clone(), Kept { camera, written });
        }
        let switched = Switched { cameras: document.switched, relays_off: document.relays_off };
        Ok(Content { cameras, switched })
    }

    /// Writes all of it, so that after any crash either the old or the new is there.
    pub(super) fn save(&self, cameras: &BTreeMap<CameraId, Kept>, switched: &Switched) -> io::Result<()> {
        let sealed = cameras.iter().map(|(id, kept)| self.seal(id, &kept.written)).collect::<io::Result<_>>()?;
        let Switched { cameras: switched, relays_off } = switched.clone();
        let document = Document { version: VERSION, cameras: sealed, switched, relays_off };
        let text = serde_json::to_vec_pretty(&document)?;
        write_whole(&self.path, &text, 0o600)
    }

    fn seal(&self, id: &CameraId, written: &Value) -> io::Result<Map<String, Value>> {
        let mut table = written.as_object().cloned().unwrap_or_default();
        let secret: Map<String, Value> =
            SEALED.iter().filter_map(|key| Some(((*key).to_owned(), table.remove(*key)?))).collect();
        let sealed = self.key.seal(id.as_str(), &serde_json::to_string(&secret)?)?;
        table.insert("id".into(), id.as_str().into());
        table.insert("sealed".into(), sealed.into());
        Ok(table)
    }
}
