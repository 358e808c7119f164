use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;

use super::{Label, PICTURE_AT_MOST, Store, StoreError};
use crate::evidence::{
    key::Template,
    spool::{read_bounded, write_durably},
};

/// A folder of this machine, bounded: the oldest pictures go first. What is no picture of ours it never touches.
pub(super) struct Folder(Arc<Shelves>);

struct Shelves {
    path: PathBuf,
    limit: u64,
    template: Template,
    /// Bytes of the pictures, once they have been counted.
    bytes: Mutex<Option<u64>>,
}

struct Stored {
    changed: SystemTime,
    path: PathBuf,
    size: u64,
}

impl Folder {
    pub(super) fn new(path: &Path, limit: u64, template: Template) -> Self {
        Self(Arc::new(Shelves { path: path.to_owned(), limit, template, bytes: Mutex::new(None) }))
    }
}

impl Store for Folder {
    fn put(&self, key: &str, jpeg: Bytes, _: &Label) -> BoxFuture<'static, Result<(), StoreError>> {
        let (shelves, key) = (Arc::clone(&self.0), key.to_owned());
        on_a_thread(move || shelves.put(&key, &jpeg))
    }

    fn get(&self, key: &str) -> BoxFuture<'static, Result<Bytes, StoreError>> {
        let path = self.0.path.join(key);
        on_a_thread(move || read_bounded(&path, PICTURE_AT_MOST as u64).map(Bytes::from))
    }
}

fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> BoxFuture<'static, Result<T, StoreError>> {
    async move {
        match actix_rt::task::spawn_blocking(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(explain(&error)),
            Err(_) => {
                Err(StoreError::Failed("writing the picture panicked: a fault in Lookout, please report it".into()))
            }
        }
    }
    .boxed()
}

fn explain(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::Missing,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotADirectory => {
            StoreError::Forbidden(format!("the folder of pictures cannot be used: {error}"))
        }
        _ => StoreError::Away(format!("the folder of pictures cannot be used: {error}")),
    }
}

impl Shelves {
    fn put(&self, key: &str, jpeg: &[u8]) -> io::Result<()> {
        let path = self.path.join(key);
        let is_sound = Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
        let (true, Some(folder), Some(name)) =
            (is_sound, path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            return Err(io::Error::from(io::ErrorKind::InvalidFilename));
        };
        let mut bytes = self.bytes.lock();
        // The first time it is counted after writing, and so with it.
        let before = bytes.map(|bytes| bytes - fs::metadata(&path).map_or(0, |old| old.len()).min(bytes));
        // Readable for a group, so that a web server may show them.
        fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        write_durably(folder, name, jpeg, 0o640)?;
        let now = match before {
            Some(before) => before + jpeg.len() as u64,
            None => self.stored()?.iter().map(|stored| stored.size).sum(),
        };
        *bytes = Some(if now > self.limit { self.make_room(&path)? } else { now });
        Ok(())
    }

    /// Removes the oldest pictures down to nine tenths of the limit, so that it is not done for every picture. `newest`
    /// stays. How many bytes are left.
    fn make_room(&self, newest: &Path) -> io::Result<u64> {
        let mut stored = self.stored()?;
        stored.sort_by(|a, b| (a.changed, &a.path).cmp(&(b.changed, &b.path)));
        let mut bytes: u64 = stored.iter().map(|stored| stored.size).sum();
        let (goal, mut removed) = (self.limit / 10 * 9, 0u64);
        for old in stored.iter().filter(|old| old.path != newest) {
            if bytes <= goal {
                break;
            }
            match fs::remove_file(&old.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => bytes -= old.size,
            }
            removed += 1;
            // Those that are empty now, up to the top.
            let empty = old.path.ancestors().skip(1).take_while(|folder| *folder != self.path);
            let _ = empty.map(fs::remove_dir).take_while(Result::is_ok).count();
        }
        tracing::info!(removed, bytes, "the oldest pictures were removed: the folder is as large as it may be");
        Ok(bytes)
    }

    /// Every picture that the template gave. Links are not followed.
    fn stored(&self) -> io::Result<Vec<Stored>> {
        let (mut folders, mut stored) = (vec![self.path.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                // One of somebody else's (`lost+found`), or removed meanwhile: nothing of ours is in it.
                Err(error) if folder != self.path && is_not_for_us(&error) => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let (kind, path) = (entry.file_type()?, entry.path());
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && self.is_ours(&path) {
                    // One that was removed meanwhile is no fault.
                    let Ok(facts) = entry.metadata() else { continue };
                    let changed = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    stored.push(Stored { changed, path, size: facts.len() });
                }
            }
        }
        Ok(stored)
    }

    fn is_ours(&self, path: &Path) -> bool {
        let key = path.strip_prefix(&self.path).ok().and_then(Path::to_str);
        key.is_some_and(|key| self.template.gives(key))
    }
}

fn is_not_for_us(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
}

#[cfg(test)]
#[path = "../tests/folder.rs"]
mod tests;
