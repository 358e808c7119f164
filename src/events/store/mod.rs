//! The events and their deliveries in SQLite: the only place that knows rusqlite. It knows no actor and no clock.
//!
//! A write is one transaction. Recording waits until the disk has it (`synchronous = FULL` in WAL mode); the progress of
//! a delivery does not, as losing it in a power cut only tells the same event again under the same id.

mod deliveries;
mod digests;
mod error;
mod history;
mod lanes;
mod listing;
mod pictures;
mod reader;
mod readers;
mod recording;
mod retention;
mod schema;

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

pub use deliveries::{Delivery, Tally};
pub use error::OutboxError;
pub use history::{DeadLetter, EventFilter};
use jiff::{SignedDuration, Timestamp};
pub(in crate::events) use lanes::Wanted;
pub use listing::{DeliveryFilter, DeliveryState, DeliveryView};
pub use reader::Reader;
pub use readers::Readers;
pub(in crate::events) use recording::{Recorded, Unwritten};
pub use retention::Retained;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{settings::Storage, words::EventKind};

/// The database, open for writing by this process alone.
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    /// What the connection is set to.
    durability: Option<Durability>,
    file: PathBuf,
    /// When the last process said that it was alive.
    alive_until: Option<Timestamp>,
    /// The longest hold that was renewed at the start.
    renewed_for: SignedDuration,
    lock: File,
}

/// Whether a write waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Survives a power cut.
    Synced,
    /// Survives the death of the process; a power cut may undo it, never out of order.
    Written,
}

impl Store {
    /// The name of the database in the storage folder.
    pub const FILE: &str = "lookout.db";

    /// Opens the database in the storage folder, and makes folder (mode 0700) and database where there are none.
    /// Nothing that is damaged or foreign is changed or removed.
    pub fn open(storage: &Storage) -> Result<Self, OutboxError> {
        let folder = &storage.path;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OutboxError::Folder { path, source }
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder).map_err(failed(folder))?;
        let lock = own(&folder.join("lookout.lock"))?;
        let alive_until = lock.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.try_into().ok());
        let file = folder.join(Self::FILE);
        // SQLite gives the -wal file the mode of the database.
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        options.open(&file).map_err(failed(&file))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(&file, flags).map_err(|e| OutboxError::from_sqlite(&file, e))?;
        schema::prepare(&mut conn, &file)?;
        Ok(Self { conn, durability: None, file, alive_until, renewed_for: SignedDuration::ZERO, lock })
    }

    /// The database, for `Reader::open`.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Says that this process is alive: the lock's time of modification is how the next one knows how long nobody
    /// watched.
    pub fn say_alive(&self) {
        if let Err(error) = self.lock.set_modified(std::time::SystemTime::now()) {
            tracing::debug!(%error, "the lock file's time cannot be set");
        }
    }

    fn write<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let level = match durability {
            Durability::Synced => "FULL",
            Durability::Written => "NORMAL",
        };
        let attempt = || {
            if self.durability != Some(durability) {
                self.conn.pragma_update(None, "synchronous", level)?;
                self.durability = Some(durability);
            }
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&tx)?;
            tx.commit()?;
            Ok(done)
        };
        attempt().map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, OutboxError> {
        work(&self.conn).map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }
}

fn own(path: &Path) -> Result<File, OutboxError> {
    let failed = |source| OutboxError::Folder { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OutboxError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Nanoseconds since 1970, as the tables keep them; at the ends of their range (1677, 2262) they stay there.
fn nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

fn timestamp(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
}

fn kind(text: &str) -> Option<EventKind> {
    EventKind::ALL.into_iter().find(|kind| kind.as_str() == text)
}

#[cfg(test)]
pub(super) mod faults {
    //! Faults of a disk, made with SQLite's own means.

    use super::Store;

    /// What the disk refuses.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Fault {
        /// Nothing.
        None,
        /// To grow.
        Full,
        /// To be written.
        ReadOnly,
    }

    impl Store {
        /// Makes every later write meet `fault`.
        pub(crate) fn inject(&self, fault: Fault) {
            let pages = if matches!(fault, Fault::Full) { 1 } else { 1 << 30 };
            let conn = &self.conn;
            conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("a pragma");
            let read_only = matches!(fault, Fault::ReadOnly);
            conn.pragma_update(None, "query_only", read_only).expect("a pragma");
        }
    }
}

#[cfg(test)]
mod tests;
