use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{DeadLetter, EventFilter, OutboxError, history, schema};
use crate::{events::Event, words::EventId};

/// A second, read-only look at the database, for HTTP: it neither waits for the writer nor makes it wait. Its calls block
/// on the disk, so they belong on a blocking thread.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    file: PathBuf,
}

impl Reader {
    /// Opens the database that a `Store` made.
    pub fn open(file: &Path) -> Result<Self, OutboxError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(file, flags)
            .and_then(|conn| conn.busy_timeout(schema::BUSY).map(|()| conn))
            .map_err(|e| OutboxError::from_sqlite(file, e))?;
        let file = file.to_owned();
        Ok(Self { conn, file })
    }

    /// The newest events that pass the filter, newest first.
    pub fn list(&self, filter: &EventFilter) -> Result<Vec<Event>, OutboxError> {
        history::list(&self.conn, filter).map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }

    /// One event.
    pub fn get(&self, id: EventId) -> Result<Option<Event>, OutboxError> {
        history::get(&self.conn, id).map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }

    /// The dead-letter list of all sinks, oldest first.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, OutboxError> {
        history::dead_letters(&self.conn, limit).map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }
}
