mod lines;
mod rotation;

use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;

use super::{Outcome, Sink, payload};
use crate::{events::Event, settings};

/// Tells events by appending each as a line of JSON, a CloudEvent, to a file that only its owner may read.
///
/// A line is on disk before the event counts as told. Every line is whole: what a crash left torn is mended before the
/// next line is written, and such an event is told again. So an event may stand there twice; its `id` is the key.
/// A file that would grow beyond its size is renamed to `PATH.1`, that to `PATH.2`, and so on. It is opened for each
/// event, so that others may move it away at any time. No two sinks should write to one file.
pub struct File(Arc<Place>);

struct Place {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    source: String,
    /// One line at a time.
    writing: Mutex<()>,
    /// No further line is begun.
    closed: AtomicBool,
}

impl File {
    /// The longest wait for the line before: a disk that hangs does not collect threads.
    const TURN: Duration = Duration::from_secs(10);
    /// The longest wait for the last line when it is closed.
    const LAST_LINE: Duration = Duration::from_secs(1);

    /// A file as the settings describe it. It is made when the first event is told.
    pub fn new(settings: &settings::File, source: &str) -> Self {
        let settings::File { path, max_bytes, keep } = settings.clone();
        let (source, writing, closed) = (source.to_owned(), Mutex::new(()), AtomicBool::new(false));
        Self(Arc::new(Place { path, max_bytes, keep, source, writing, closed }))
    }
}

impl Sink for File {
    fn deliver(&self, event: &Event) -> BoxFuture<'static, Outcome> {
        let place = Arc::clone(&self.0);
        let mut line = payload::cloud_event(event, &place.source);
        line.push(b'\n');
        async move {
            let shown = place.path.display().to_string();
            let written = tokio::task::spawn_blocking(move || place.append(&line)).await;
            match written.map_err(io::Error::other).flatten() {
                Ok(()) => Outcome::Accepted,
                Err(error) => {
                    let error = format!("cannot write to {shown}: {}", plain(&error));
                    Outcome::Refused { error, retry_after: None, blames_event: false }
                }
            }
        }
        .boxed()
    }

    fn deadline(&self) -> Duration {
        Self::TURN + Duration::from_secs(20)
    }

    /// A line that is being written cannot be called back: it is waited for, and none is begun after it, also where its
    /// delivery was given up while it waited for its turn.
    fn close(&self) -> BoxFuture<'static, ()> {
        let place = Arc::clone(&self.0);
        place.closed.store(true, SeqCst);
        async move {
            let last_line = move || drop(place.writing.try_lock_for(Self::LAST_LINE));
            let _ = tokio::task::spawn_blocking(last_line).await; // it cannot panic
        }
        .boxed()
    }
}

impl Place {
    /// Blocks until the line is on disk. If it fails, what is left of the line is removed before the next one is written;
    /// a whole line stays, and its event is told once more.
    fn append(&self, line: &[u8]) -> io::Result<()> {
        let Some(_turn) = self.writing.try_lock_for(File::TURN) else {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the disk is still busy with the line before"));
        };
        if self.closed.load(SeqCst) {
            return Err(io::Error::other("the sink is closed"));
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = self.open()?;
        lines::mend(&mut file)?;
        let length = file.metadata()?.len();
        if length > 0 && length.saturating_add(line.len() as u64) > self.max_bytes {
            rotation::rotate(&self.path, self.keep)?;
            file = self.open()?;
        }
        let is_new = file.metadata()?.len() == 0;
        lines::write(&mut file, line)?;
        // The name of a new file is kept by its folder.
        if is_new { rotation::sync(folder) } else { Ok(()) }
    }

    fn open(&self) -> io::Result<std::fs::File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(&self.path)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
    }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::AlreadyExists => "what should be its folder is a file".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
