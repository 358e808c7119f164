use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use jiff::Timestamp;
use parking_lot::Mutex;

use super::{EvidenceError, PICTURE_AT_MOST, group::Notes};
use crate::{
    disk::{UNFINISHED, read_at_most, sync_folder, write_whole},
    words::EventId,
};

/// The folder where pictures wait for the store: `EVENT/group.json` and `EVENT/N-NANOSECONDS.jpg`, the time being that
/// of the capture. The notes are written once, before the first picture, so a picture never stands without them.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    limit: u64,
    bytes: AtomicU64,
    beginning: Mutex<()>,
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Groups to go on with.
    pub(super) groups: Vec<Leftover>,
    /// Events whose group held no picture, or could not be read.
    pub(super) hopeless: Vec<EventId>,
    /// Things that could not be read, now in the folder `aside` if they can be moved.
    pub(super) set_aside: u64,
}

/// A group to go on with: its notes, and its pictures in order.
pub(super) type Leftover = (Notes, Vec<(u32, Timestamp)>);

/// Why a picture is not in the spool.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    /// The folder is as large as it may be.
    #[error("the spool is full")]
    Full,
    /// The disk refuses.
    #[error("the spool cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// The events of which an earlier process left pictures in the folder; none where it cannot be read. Blocks.
pub fn left_in(folder: &Path) -> Vec<EventId> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

impl Spool {
    pub(super) const NOTES: &str = "group.json";
    const ASIDE: &str = "aside";
    /// More than this is not kept aside; the names are those of the events, so the oldest go first.
    const ASIDE_AT_MOST: usize = 32;
    const NOTES_AT_MOST: u64 = 16 << 10;
    /// Files take whole blocks: so the bound is one of their number, too.
    const BLOCK: u64 = 4096;

    /// Opens the folder, or makes it, and reads what an earlier process left. It may grow to `limit` bytes.
    pub(super) fn open(folder: &Path, limit: u64) -> Result<(Self, Leftovers), EvidenceError> {
        let unusable = |source| EvidenceError::Spool { path: folder.to_owned(), source };
        make_folder(folder).map_err(unusable)?;
        let spool = Self { folder: folder.to_owned(), limit, bytes: AtomicU64::new(0), beginning: Mutex::new(()) };
        let leftovers = spool.take_stock().map_err(unusable)?;
        Ok((spool, leftovers))
    }

    /// A spool that is only read from: another one writes it.
    pub(super) fn reader(folder: PathBuf) -> Self {
        Self { folder, limit: 0, bytes: AtomicU64::new(0), beginning: Mutex::new(()) }
    }

    /// Bytes in it.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Writes a picture down, and the notes of its event before the first. Blocks.
    pub(super) fn keep(&self, notes: &Notes, n: u32, captured_at: Timestamp, jpeg: &[u8]) -> Result<(), SpoolError> {
        let folder = self.folder_of(notes.event);
        self.begin(&folder, notes)?;
        self.write(&folder, &picture_name(n, captured_at), jpeg)
    }

    /// Reads a picture. Blocks.
    pub(super) fn read(&self, event: EventId, n: u32, captured_at: Timestamp) -> io::Result<Vec<u8>> {
        read_at_most(&self.folder_of(event).join(picture_name(n, captured_at)), PICTURE_AT_MOST as u64)
    }

    /// The notes of an event and its pictures in the order of their numbers, if it has any here. Blocks.
    pub(super) fn look(&self, event: EventId) -> Option<(Notes, Vec<(u32, Timestamp)>)> {
        read_group(&self.folder_of(event)).ok()
    }

    /// Removes an event's pictures: the store has them, or nothing will come of them. Blocks.
    pub(super) fn remove(&self, event: EventId) -> io::Result<()> {
        let folder = self.folder_of(event);
        let bytes = match size_of(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            size => size?,
        };
        fs::remove_dir_all(&folder)?;
        self.give_back(bytes);
        Ok(())
    }

    fn folder_of(&self, event: EventId) -> PathBuf {
        self.folder.join(event.to_string())
    }

    fn begin(&self, folder: &Path, notes: &Notes) -> Result<(), SpoolError> {
        let has_begun = || folder.join(Self::NOTES).exists();
        if has_begun() {
            return Ok(());
        }
        let _one_at_a_time = self.beginning.lock();
        if has_begun() {
            return Ok(());
        }
        make_folder(folder)?;
        let text = serde_json::to_vec(notes).map_err(io::Error::from)?;
        let written = self.write(folder, Self::NOTES, &text);
        if written.is_err() {
            // Empty, or it stays and is looked at when the next process begins.
            let _ = fs::remove_dir(folder);
        }
        sync_folder(&self.folder)?;
        written
    }

    fn write(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
        let size = blocks(bytes.len() as u64);
        self.reserve(size)?;
        write_whole(&folder.join(name), bytes, 0o600).map_err(|error| {
            self.give_back(size);
            error.into()
        })
    }

    fn reserve(&self, size: u64) -> Result<(), SpoolError> {
        let fits = |bytes: u64| bytes.checked_add(size).filter(|sum| *sum <= self.limit);
        self.bytes.fetch_update(Relaxed, Relaxed, fits).map(drop).map_err(|_| SpoolError::Full)
    }

    fn give_back(&self, size: u64) {
        let less = |bytes: u64| Some(bytes.saturating_sub(size));
        // It always gives a value.
        let _ = self.bytes.fetch_update(Relaxed, Relaxed, less);
    }

    fn take_stock(&self) -> io::Result<Leftovers> {
        let mut leftovers = Leftovers::default();
        for entry in fs::read_dir(&self.folder)? {
            let (path, name) = match entry {
                Ok(entry) => (entry.path(), entry.file_name()),
                Err(error) => {
                    tracing::error!(folder = %self.folder.display(), %error, "something in the spool cannot be read");
                    leftovers.set_aside += 1;
                    continue;
                }
            };
            if name == Self::ASIDE {
                continue;
            }
            let event = name.to_str().and_then(|name| name.parse::<EventId>().ok());
            match self.take_up(&path, event) {
                Ok(Some(group)) => {
                    leftovers.groups.push(group);
                    continue;
                }
                Ok(None) => {}
                Err(_) => {
                    leftovers.set_aside += 1;
                    if let Err(error) = self.set_aside(&path) {
                        tracing::error!(path = %path.display(), %error, "it cannot be set aside either, and is left there");
                    }
                }
            }
            leftovers.hopeless.extend(event);
        }
        leftovers.groups.sort_by_key(|(notes, _)| notes.event);
        Ok(leftovers)
    }

    /// The group that lies in the folder of `event`; none where no picture had come into it.
    fn take_up(&self, path: &Path, event: Option<EventId>) -> io::Result<Option<Leftover>> {
        remove_unfinished(path);
        let (notes, pictures) = match read_group(path) {
            // Nothing was written into it yet.
            Err(_) if fs::remove_dir(path).is_ok() => return Ok(None),
            group => group?,
        };
        if Some(notes.event) != event {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the notes are of another event"));
        }
        if pictures.is_empty() {
            return fs::remove_dir_all(path).map(|()| None);
        }
        self.bytes.fetch_add(size_of(path)?, Relaxed);
        Ok(Some((notes, pictures)))
    }

    fn set_aside(&self, path: &Path) -> io::Result<()> {
        let aside = self.folder.join(Self::ASIDE);
        make_folder(&aside)?;
        let mut kept: Vec<PathBuf> = fs::read_dir(&aside)?.filter_map(|e| Some(e.ok()?.path())).collect();
        kept.sort();
        while kept.len() >= Self::ASIDE_AT_MOST {
            remove_whatever(&kept.remove(0))?;
        }
        let target = aside.join(path.file_name().unwrap_or_default());
        if target.exists() {
            remove_whatever(&target)?;
        }
        tracing::warn!(path = %path.display(), aside = %target.display(), "what lies in the spool cannot be read; it is set aside");
        fs::rename(path, target)
    }
}

/// The number first, so that names sort; the time of the capture, which stands nowhere else.
fn picture_name(n: u32, captured_at: Timestamp) -> String {
    format!("{n:04}-{}.jpg", captured_at.as_nanosecond())
}

fn parse_picture_name(name: &str) -> Option<(u32, Timestamp)> {
    let (n, time) = name.strip_suffix(".jpg")?.split_once('-')?;
    Some((n.parse().ok()?, Timestamp::from_nanosecond(time.parse().ok()?).ok()?))
}

/// The notes and the pictures, in order.
fn read_group(folder: &Path) -> io::Result<(Notes, Vec<(u32, Timestamp)>)> {
    let notes = read_at_most(&folder.join(Spool::NOTES), Spool::NOTES_AT_MOST)?;
    let notes: Notes = serde_json::from_slice(&notes)?;
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        pictures.extend(name.to_str().and_then(parse_picture_name));
    }
    pictures.sort_unstable();
    Ok((notes, pictures))
}

/// What was being written when the process ended.
fn remove_unfinished(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == UNFINISHED)) {
        let _ = fs::remove_file(path);
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn remove_whatever(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn blocks(size: u64) -> u64 {
    size.next_multiple_of(Spool::BLOCK)
}

fn size_of(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        sum += blocks(entry?.metadata()?.len());
    }
    Ok(sum)
}

#[cfg(test)]
#[path = "tests/spool.rs"]
mod tests;
