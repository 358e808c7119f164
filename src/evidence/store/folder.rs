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

use super::{Label, Store, StoreError};
use crate::evidence::{
    PICTURE_AT_MOST,
    key::Template,
    spool::{read_bounded, write_durably},
    threads::Threads,
};

/// A folder of this machine, bounded: the oldest pictures go first. What is no picture of ours it never touches.
pub(super) struct Folder {
    shelves: Arc<Shelves>,
    writing: Threads,
    reading: Threads,
}

struct Shelves {
    path: PathBuf,
    limit: u64,
    template: Template,
    stock: Mutex<Stock>,
    remove: Remove,
}

/// `fs::remove_file`, but for tests.
type Remove = fn(&Path) -> io::Result<()>;

/// What is known of the pictures in the folder.
#[derive(Default)]
struct Stock {
    /// Their bytes, once they have been counted.
    bytes: Option<u64>,
    /// It was said that some cannot be looked at or removed.
    has_warned: bool,
}

struct Stored {
    changed: SystemTime,
    path: PathBuf,
    size: u64,
}

/// What cannot be looked at or removed, and why.
type Obstacle = (PathBuf, io::Error);

impl Folder {
    /// One picture at a time is written, as it must be known how much there is.
    const WRITING_AT_MOST: usize = 1;
    const READING_AT_MOST: usize = 4;

    pub(super) fn new(path: &Path, limit: u64, template: Template) -> Self {
        Self::with(path, limit, template, |path| fs::remove_file(path))
    }

    fn with(path: &Path, limit: u64, template: Template, remove: Remove) -> Self {
        let shelves = Shelves { path: path.to_owned(), limit, template, stock: Mutex::default(), remove };
        let (writing, reading) = (Threads::new(Self::WRITING_AT_MOST), Threads::new(Self::READING_AT_MOST));
        Self { shelves: Arc::new(shelves), writing, reading }
    }
}

impl Store for Folder {
    fn put(&self, key: &str, jpeg: Bytes, _: &Label) -> BoxFuture<'static, Result<(), StoreError>> {
        let (shelves, key) = (Arc::clone(&self.shelves), key.to_owned());
        on(&self.writing, move || shelves.put(&key, &jpeg))
    }

    fn get(&self, key: &str) -> BoxFuture<'static, Result<Bytes, StoreError>> {
        let path = self.shelves.path.join(key);
        on(&self.reading, move || read_bounded(&path, PICTURE_AT_MOST as u64).map(Bytes::from))
    }
}

fn on<T: Send + 'static>(
    threads: &Threads,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> BoxFuture<'static, Result<T, StoreError>> {
    let threads = threads.clone();
    async move {
        match threads.run(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(explain(&error)),
            Err(_) => {
                Err(StoreError::Failed("the folder's work panicked: a fault in Lookout, please report it".into()))
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
        let mut stock = self.stock.lock();
        // Taken out, so that what a failure leaves behind is counted anew.
        let before = stock.bytes.take().map(|bytes| bytes - fs::metadata(&path).map_or(0, |old| old.len()).min(bytes));
        // Readable for a group, so that a web server may show them.
        fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        write_durably(folder, name, jpeg, 0o640)?;
        // It is stored from here on, whatever becomes of the others.
        stock.bytes = before.map(|before| before + jpeg.len() as u64);
        if stock.bytes.is_none_or(|bytes| bytes > self.limit) {
            self.make_room(&mut stock, &path);
        }
        Ok(())
    }

    /// Counts what is there. If that is too much, removes the oldest pictures down to nine tenths of the limit, so that it
    /// is not done for every picture; `newest` stays. What cannot be removed is passed over, so that others can go for it.
    fn make_room(&self, stock: &mut Stock, newest: &Path) {
        let (mut obstacle, mut removed) = (None, 0u64);
        match self.stored(&mut obstacle) {
            Ok(mut stored) => {
                let mut bytes: u64 = stored.iter().map(|stored| stored.size).sum();
                let goal = if bytes > self.limit { self.limit / 10 * 9 } else { bytes };
                stored.sort_by(|a, b| (a.changed, &a.path).cmp(&(b.changed, &b.path)));
                for old in stored.iter().filter(|old| old.path != newest) {
                    if bytes <= goal {
                        break;
                    }
                    match (self.remove)(&old.path) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            obstacle.get_or_insert_with(|| (old.path.clone(), error));
                            continue;
                        }
                        _ => bytes -= old.size,
                    }
                    removed += 1;
                    // Those that are empty now, up to the top.
                    let empty = old.path.ancestors().skip(1).take_while(|folder| *folder != self.path);
                    let _ = empty.map(fs::remove_dir).take_while(Result::is_ok).count();
                }
                stock.bytes = Some(bytes);
            }
            // As much as before, and the new one.
            Err(error) => obstacle = Some((self.path.clone(), error)),
        }
        match obstacle {
            None => stock.has_warned = false,
            Some((path, error)) if !std::mem::replace(&mut stock.has_warned, true) => {
                let path = path.display();
                tracing::warn!(%path, %error, "not every old picture can be looked at and removed; the others go for it");
            }
            Some(_) => return,
        }
        if removed > 0 {
            let bytes = stock.bytes;
            tracing::info!(removed, bytes, "the oldest pictures were removed: the folder is as large as it may be");
        }
    }

    /// Every picture that the template gave, as far as the folders below can be looked at.
    fn stored(&self, obstacle: &mut Option<Obstacle>) -> io::Result<Vec<Stored>> {
        let (mut folders, mut stored) = (vec![self.path.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            match self.look_into(&folder, &mut folders, &mut stored) {
                Err(error) if folder == self.path => return Err(error),
                Err(error) if !is_not_for_us(&error) => {
                    obstacle.get_or_insert((folder, error));
                }
                _ => {}
            }
        }
        Ok(stored)
    }

    /// Links are not followed.
    fn look_into(&self, folder: &Path, folders: &mut Vec<PathBuf>, stored: &mut Vec<Stored>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
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
        Ok(())
    }

    fn is_ours(&self, path: &Path) -> bool {
        let key = path.strip_prefix(&self.path).ok().and_then(Path::to_str);
        key.is_some_and(|key| self.template.gives(key))
    }
}

/// One of somebody else's (`lost+found`), or removed meanwhile: nothing of ours is in it.
fn is_not_for_us(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
}

#[cfg(test)]
#[path = "../tests/folder.rs"]
mod tests;
