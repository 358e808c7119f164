//! The demo's settings: what a user's file would say, read by the same reader.

use std::{fmt::Write, net::SocketAddr, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::{Builder, TempDir};
use uuid::Uuid;

use super::DemoError;
use crate::{
    settings::{self, Secret, Settings},
    simulate::Clip,
};

/// A file system in memory, on Linux: what lies there never reaches a disk.
const IN_MEMORY: &str = "/dev/shm";

/// A folder for the events, removed when it is dropped; in memory where that can be had.
pub(super) fn folder() -> Result<TempDir, DemoError> {
    let prefix = format!("lookout-demo-{}-", std::process::id());
    let mut builder = Builder::new();
    builder.prefix(&prefix);
    builder.tempdir_in(IN_MEMORY).or_else(|_| builder.tempdir()).map_err(DemoError::Folder)
}

/// A signing key that nobody else knows: 244 random bits.
pub(super) fn secret() -> Secret {
    let key = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
    Secret::new(format!("whsec_{}", STANDARD.encode(key)))
}

/// The settings, for cameras given as name and address.
///
/// Samples come four times a second and a visit ends after 3 s, so that there is something to see soon.
pub(super) fn settings(
    http: SocketAddr,
    cameras: impl Iterator<Item = (String, String)>,
    receiver: &str,
    secret: &Secret,
    folder: &Path,
) -> Result<Settings, DemoError> {
    let mut text = format!(
        "[server]\nbind = \"{http}\"\n\
         [storage]\npath = \".\"\nkeep = \"1h\"\nmax_bytes = \"16MiB\"\n\
         [visits]\nquiet = \"3s\"\n\
         [[sinks]]\nname = \"receiver\"\ntype = \"webhook\"\nurl = \"{receiver}\"\nsecret = \"{}\"\n",
        secret.expose()
    );
    for (name, url) in cameras {
        write!(text, "[[cameras]]\nid = \"{name}\"\nurl = \"{url}\"\nevery = \"250ms\"\nstall_timeout = \"3s\"\n")
            .expect("a text can always be written to");
    }
    Ok(settings::load_from(&text, [], folder)?)
}

/// The clip to play.
pub(super) fn clip(path: Option<&Path>) -> Result<Clip, DemoError> {
    Ok(path.map_or_else(Clip::embedded, Clip::read)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_in_order_and_use_what_is_embedded() {
        let folder = folder().expect("a folder");
        let cameras = (0..64).map(|i| (super::super::stage::name(i), format!("rtsp://127.0.0.1:1/{i}")));
        let http = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = settings(http, cameras, "http://127.0.0.1:2/hook", &secret(), folder.path()).expect("in order");
        assert_eq!((settings.cameras.len(), settings.sinks.len()), (64, 1));
        assert_eq!(settings.detector.model, settings::ModelSource::Embedded);
        assert!(settings.storage.path.starts_with(folder.path()));
    }

    #[test]
    fn no_two_keys_are_the_same() {
        assert_ne!(secret(), secret());
    }

    #[test]
    fn the_embedded_clip_can_be_played() {
        let clip = clip(None).expect("it can be read");
        assert!(clip.units[0].key && clip.units.len() > 24 && clip.width >= 320, "{} units", clip.units.len());
    }
}
