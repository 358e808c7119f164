use std::{
    io,
    path::{Path, PathBuf},
};

use super::error::SettingsError;
use crate::disk::read_at_most;

/// The settings file may be so large; 1,000 cameras with zones need about half of it.
const SETTINGS_BYTES: u64 = 4 << 20;
/// A file with a secret may be so large.
const SECRET_BYTES: u64 = 64 << 10;

/// Where the settings file is looked for when nobody names one, in this order.
const PLACES: [&str; 3] = ["lookout.toml", "config/lookout.toml", "/etc/lookout/lookout.toml"];

/// The settings file: the one that is named, else `$LOOKOUT_CONFIG`, else the first that exists.
pub(super) fn find(
    named: Option<&Path>,
    from_environment: Option<PathBuf>,
    working_folder: &Path,
) -> Result<PathBuf, SettingsError> {
    if let Some(path) = named {
        return Ok(working_folder.join(path));
    }
    if let Some(path) = from_environment.filter(|path| !path.as_os_str().is_empty()) {
        return Ok(working_folder.join(path));
    }
    let looked: Vec<PathBuf> = PLACES.iter().map(|place| working_folder.join(place)).collect();
    looked.iter().find(|path| path.is_file()).cloned().ok_or(SettingsError::NoFile { looked })
}

/// The text of the settings file.
pub(super) fn read_settings(path: &Path) -> Result<String, SettingsError> {
    read_text(path, SETTINGS_BYTES).map_err(|cause| SettingsError::Unreadable { path: path.to_owned(), cause })
}

/// The trimmed text of a file with a secret, or why there is none.
pub(super) fn read_secret(path: &Path) -> Result<String, String> {
    let text = read_text(path, SECRET_BYTES).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        text => Ok(text.to_owned()),
    }
}

fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let bytes = read_at_most(path, most)?;
    // The error of String::from_utf8 carries the bytes, which may be a secret.
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_file_goes_first_and_then_the_usual_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        let other = |path: &str| Some(PathBuf::from(path));
        let found = |named: Option<&str>, env| find(named.map(Path::new), env, at);
        if !Path::new(PLACES[2]).exists() {
            let error = found(None, None).expect_err("nothing is there").to_string();
            for place in PLACES {
                assert!(error.contains(place), "{error}");
            }
            assert!(error.contains("--config"), "{error}");
        }
        std::fs::create_dir(at.join("config")).expect("a folder");
        std::fs::write(at.join("config/lookout.toml"), "").expect("a file");
        let is = |path: Result<PathBuf, SettingsError>, expected: &str| {
            assert_eq!(path.expect("found"), at.join(expected));
        };
        is(found(None, None), "config/lookout.toml");
        std::fs::write(at.join("lookout.toml"), "").expect("a file");
        is(found(None, None), "lookout.toml");
        is(found(None, other("")), "lookout.toml");
        is(found(None, other("e.toml")), "e.toml");
        is(found(Some("n.toml"), other("e.toml")), "n.toml");
    }

    #[test]
    fn files_are_read_up_to_their_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        let write = |bytes: &[u8]| std::fs::write(&file, bytes).expect("written");
        write(b"  hunter2\n");
        assert_eq!(read_secret(&file), Ok("hunter2".to_owned()));
        for (bytes, problem) in [
            (vec![b'x'; SECRET_BYTES as usize + 1], "larger than"),
            (b" \n".to_vec(), "is empty"),
            (b"hunter2\xff".to_vec(), "not UTF-8"),
        ] {
            write(&bytes);
            let text = read_secret(&file).expect_err(problem);
            assert!(text.contains(problem) && !text.contains("hunter2"), "{text}");
        }
        let missing = folder.path().join("missing");
        assert!(read_secret(&missing).expect_err("missing").contains("missing"));
        assert!(read_settings(folder.path()).is_err(), "a folder is no file");
    }
}
