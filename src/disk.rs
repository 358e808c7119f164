//! Files that are read up to a bound, and written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The end of the name of a file that is being written; one that is found at a start was never finished.
pub const UNFINISHED: &str = "part";

/// All bytes of a file, at most so many.
///
/// # Errors
/// When it cannot be read, or holds more ([`io::ErrorKind::FileTooLarge`]).
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} bytes")));
    }
    Ok(bytes)
}

/// Writes a file so that after any crash, also of the power, either the old one or the new one is there. Blocks.
///
/// # Errors
/// When it cannot be written; then the old one is there.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".");
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        sync_folder(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&unfinished);
    })
}

/// Makes sure that what was made and removed in a folder stays so after the power failed.
///
/// # Errors
/// When the folder cannot be opened, or its disk fails.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, b"12345").expect("written");
        assert_eq!(read_at_most(&file, 5).expect("it fits"), b"12345");
        assert_eq!(read_at_most(&file, u64::MAX).expect("it fits"), b"12345");
        let error = read_at_most(&file, 4).expect_err("too large");
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::FileTooLarge, "larger than 4 bytes"));
        assert!(read_at_most(folder.path(), 5).is_err(), "a folder is no file");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_the_old_one_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = || {
            let names =
                fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
            names.collect::<Vec<_>>()
        };
        let file = folder.path().join("logins.json");
        write_whole(&file, b"old", 0o600).expect("written");
        let mode = fs::metadata(&file).expect("it is there").permissions().mode();
        assert_eq!((mode & 0o777, names()), (0o600, vec!["logins.json".into()]));
        fs::create_dir(folder.path().join("logins.json.part")).expect("in the way");
        write_whole(&file, b"new", 0o600).expect_err("something is in the way");
        assert_eq!(fs::read(&file).expect("it is there"), b"old");
        fs::remove_dir(folder.path().join("logins.json.part")).expect("removed");
        fs::create_dir(folder.path().join("taken")).expect("a folder");
        write_whole(&folder.path().join("taken"), b"new", 0o600).expect_err("a folder is no file");
        assert_eq!(names().len(), 2, "{:?}", names());
    }
}
