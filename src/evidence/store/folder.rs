mod census;
mod stock;
mod tidying;

use std::{
    fs::{self, ReadDir},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Component, Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;

use stock::Stock;

use super::{Label, Store, StoreError};
use crate::{
    disk::{read_at_most, write_whole},
    evidence::{PICTURE_AT_MOST, key::Template, threads::Threads},
};

/// A folder of this machine, bounded: the oldest pictures go first. What is no picture of ours it never touches.
///
/// A picture is stored when it is written. What there is besides it is counted, and removed where that is too much, on a
/// thread of its own, while others are put.
pub(super) struct Folder {
    shelves: Arc<Shelves>,
    writing: Threads,
    reading: Threads,
}

struct Shelves {
    path: PathBuf,
    template: Template,
    stock: Mutex<Stock>,
    /// The path of the newest picture. Whoever writes or removes one holds it, so that no folder that is about to be
    /// written into is removed, and no picture that was put again.
    newest: Mutex<PathBuf>,
    /// It was said that some pictures cannot be looked at or removed.
    has_warned: AtomicBool,
    disk: Disk,
    oldest_at_most: usize,
}

/// How folders are read and files removed: `fs::read_dir` and `fs::remove_file`, but for tests.
struct Disk {
    list: Box<List>,
    remove: Box<Remove>,
}

type List = dyn Fn(&Path) -> io::Result<ReadDir> + Send + Sync;
type Remove = dyn Fn(&Path) -> io::Result<()> + Send + Sync;

/// What cannot be looked at or removed, and why.
type Obstacle = (PathBuf, io::Error);

impl Default for Disk {
    fn default() -> Self {
        Self { list: Box::new(|path| fs::read_dir(path)), remove: Box::new(|path| fs::remove_file(path)) }
    }
}

impl Folder {
    /// A folder that hangs keeps no more threads than these, and one that tidies.
    const WRITING_AT_MOST: usize = 1;
    const READING_AT_MOST: usize = 4;

    pub(super) fn new(path: &Path, limit: u64, template: Template) -> Self {
        Self::with(path, limit, template, Disk::default(), Shelves::OLDEST_AT_MOST)
    }

    fn with(path: &Path, limit: u64, template: Template, disk: Disk, oldest_at_most: usize) -> Self {
        let shelves = Shelves {
            path: path.to_owned(),
            template,
            stock: Mutex::new(Stock::new(limit)),
            newest: Mutex::default(),
            has_warned: AtomicBool::new(false),
            disk,
            oldest_at_most,
        };
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
        on(&self.reading, move || read_at_most(&path, PICTURE_AT_MOST as u64).map(Bytes::from))
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
    fn put(self: &Arc<Self>, key: &str, jpeg: &[u8]) -> io::Result<()> {
        let path = self.path.join(key);
        let is_sound = Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
        let Some(folder) = path.parent().filter(|_| is_sound && path.file_name().is_some()) else {
            return Err(io::Error::from(io::ErrorKind::InvalidFilename));
        };
        let mut newest = self.newest.lock();
        let (size, replaced) = (jpeg.len() as u64, fs::metadata(&path).map_or(0, |old| old.len()));
        // Readable for a group, so that a web server may show them.
        fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
        write_whole(&path, jpeg, 0o640).inspect_err(|_| self.stock.lock().not_stored(size))?;
        // It is stored from here on, whatever becomes of the others.
        *newest = path;
        let is_due = self.stock.lock().stored(size, replaced);
        if is_due {
            self.begin_tidying();
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "../tests/folder.rs"]
mod tests;
