use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Renames `PATH` to `PATH.1`, that to `PATH.2`, and so on to `PATH.keep`, which is replaced. A crash in between leaves a
/// gap in the numbers, which the next rotation closes; nothing but the oldest is ever lost.
pub(super) fn rotate(path: &Path, keep: u32) -> io::Result<()> {
    if keep == 0 {
        return fs::remove_file(path);
    }
    let gap = (1..keep).find(|&number| !numbered(path, number).exists()).unwrap_or(keep);
    for number in (1..gap).rev() {
        fs::rename(numbered(path, number), numbered(path, number + 1))?;
    }
    fs::rename(path, numbered(path, 1))
}

/// Sees names onto the disk.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems do not do this for folders.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(format!(".{number}"));
    name.into()
}
