//! The layout of the database and how an older one becomes the newest.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, TransactionBehavior};

use super::OutboxError;

/// Each step leads from the layout of its index to the next; `user_version` says how many were taken.
pub(super) const STEPS: [&str; 5] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
];

/// How long a statement waits for another program's lock.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Up to this size the whole file is checked at start; a larger one would delay the start by seconds.
const CHECKED_WHOLE: u64 = 64 << 20;

pub(super) fn prepare(conn: &mut Connection, file: &Path) -> Result<(), OutboxError> {
    let failed = |e| OutboxError::from_sqlite(file, e);
    conn.busy_timeout(BUSY).map_err(failed)?;
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let known = STEPS.len() as i64;
    if version > known {
        return Err(OutboxError::Newer { file: file.to_owned(), found: version, known });
    }
    if std::fs::metadata(file).is_ok_and(|m| m.len() <= CHECKED_WHOLE) {
        check(conn).map_err(failed)?;
    }
    // Nothing is written before this line.
    settle_in(conn, version == 0).map_err(failed)?;
    migrate(conn, version as usize).map_err(failed)
}

fn settle_in(conn: &Connection, new: bool) -> rusqlite::Result<()> {
    if new {
        // Before the first table, or it has no effect: lets retention give space back.
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "journal_size_limit", 8 << 20)?;
    conn.pragma_update(None, "foreign_keys", true)
}

fn migrate(conn: &mut Connection, version: usize) -> rusqlite::Result<()> {
    if version == STEPS.len() {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(version) {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "user_version", STEPS.len() as i64)?;
    tx.commit()
}

fn check(conn: &Connection) -> rusqlite::Result<()> {
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(damaged, Some(verdict)))
}
