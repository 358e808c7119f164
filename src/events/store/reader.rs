use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, InterruptHandle, OpenFlags};

use super::{DeadLetter, DeliveryFilter, DeliveryView, EventFilter, OutboxError, history, listing, schema};
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
        self.read(|conn| history::list(conn, filter))
    }

    /// One event.
    pub fn get(&self, id: EventId) -> Result<Option<Event>, OutboxError> {
        self.read(|conn| history::get(conn, id))
    }

    /// The start of the visit whose end this is.
    pub fn start_of(&self, end: &Event) -> Result<Option<Event>, OutboxError> {
        self.read(|conn| history::start_of(conn, end))
    }

    /// Up to `limit` events recorded after the one at place `seq`, in the order of recording, each with its place.
    pub fn after(&self, seq: i64, limit: usize) -> Result<Vec<(i64, Event)>, OutboxError> {
        self.read(|conn| history::after(conn, seq, limit))
    }

    /// The place of an event in the order of recording; `None` where there is no such event (any more).
    pub fn seq_of(&self, id: EventId) -> Result<Option<i64>, OutboxError> {
        self.read(|conn| history::seq_of(conn, id))
    }

    /// The newest place given to an event, also where that was removed since; 0 where there was none.
    pub fn newest_seq(&self) -> Result<i64, OutboxError> {
        self.read(history::newest_seq)
    }

    /// The newest deliveries that pass the filter, newest first.
    pub fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<DeliveryView>, OutboxError> {
        self.read(|conn| listing::deliveries(conn, filter, Timestamp::now()))
    }

    /// The dead-letter list of all sinks, oldest first.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, OutboxError> {
        self.read(|conn| history::dead_letters(conn, limit))
    }

    /// Ends what the reader is doing, from another thread.
    pub(super) fn interrupt(&self) -> InterruptHandle {
        self.conn.get_interrupt_handle()
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, OutboxError> {
        work(&self.conn).map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }
}

#[cfg(test)]
impl Reader {
    /// A question that SQLite never answers.
    pub(crate) fn count_for_ever(&self) -> Result<i64, OutboxError> {
        let endless =
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT count(*) FROM number";
        self.read(|conn| conn.query_row(endless, [], |row| row.get(0)))
    }
}
