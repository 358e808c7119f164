use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    path::{Path, PathBuf},
};

use crate::disk::read_at_most;

/// Where certificate authorities (PEM) are that are trusted besides the built-in ones. Two are the same only if the files
/// hold the same, so that a reload sees those that were renewed under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaFile {
    path: PathBuf,
    /// Of what it holds; nothing if it cannot be read, which is said by who uses it.
    digest: Option<u64>,
}

impl CaFile {
    /// Larger files are not looked at; all authorities of a machine are some 200 KiB.
    const AT_MOST: u64 = 4 << 20;

    /// The file as it is now.
    pub fn at(path: PathBuf) -> Self {
        // What is no file may have no end, or wait for somebody to write.
        let is_file = fs::metadata(&path).is_ok_and(|found| found.is_file());
        let bytes = is_file.then(|| read_at_most(&path, Self::AT_MOST).ok()).flatten();
        let digest = bytes.map(|bytes| {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish()
        });
        Self { path, digest }
    }
}

impl Deref for CaFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{changes, load_from},
        *,
    };

    #[test]
    fn two_are_the_same_if_they_hold_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        let write = |text: &str| fs::write(&path, text).expect("written");
        let missing = CaFile::at(path.clone());
        write("one");
        let one = CaFile::at(path.clone());
        assert_ne!(one, missing);
        write("two");
        assert_ne!(CaFile::at(path.clone()), one);
        write("one");
        assert_eq!(CaFile::at(path.clone()), one);
        assert_eq!(&*one, path);
        assert_eq!(CaFile::at(folder.path().to_owned()).digest, None, "a folder is no file");
    }

    #[test]
    fn the_store_of_pictures_needs_a_new_start_for_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |text: &str| fs::write(folder.path().join("ca.pem"), text).expect("written");
        let snapshots = "[snapshots]\nstore = \"s3://bucket\"\nca_file = \"ca.pem\"\n";
        let load = || load_from(snapshots, [], folder.path()).expect("sound settings");
        write("one");
        let before = load();
        assert!(changes(&before, &load()).is_empty());
        write("two");
        assert_eq!(changes(&before, &load()).needs_restart, ["snapshots.store"]);
    }
}
