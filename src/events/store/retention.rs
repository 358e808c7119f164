//! The outbox is bounded by age and bytes (invariant 11); the oldest events go first.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{Durability, OutboxError, Store, nanos};
use crate::settings::Storage;

/// Events removed in one transaction, so that recording never waits long for retention.
const STEP: usize = 500;

/// An empty database takes some 80 KB; a smaller bound could never be met.
const SMALLEST: u64 = 1 << 20;

/// What one step of retention did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    /// Events removed.
    pub removed: u64,
    /// Of these, events that one of the sinks had not acknowledged.
    pub dropped: u64,
    /// Whether more is to be removed: call again.
    pub more: bool,
}

impl Store {
    /// Removes the oldest events that are older than `storage.keep`, or too many for `storage.max_bytes`: one bounded
    /// step. `sinks` are those whose missing acknowledgement makes a removed event a dropped one.
    pub fn retain(&mut self, storage: &Storage, sinks: &[Arc<str>], now: Timestamp) -> Result<Retained, OutboxError> {
        let horizon = now.saturating_sub(storage.keep).unwrap_or(Timestamp::MIN);
        let mut retained = self.write(Durability::Written, |tx| {
            let aged = oldest(tx, nanos(horizon), STEP)?;
            remove(tx, &aged, sinks)
        })?;
        let bound = storage.max_bytes.max(SMALLEST);
        let used = self.used_bytes()?;
        if used > bound {
            // Down to nine tenths, so that the next event does not begin it again.
            let excess = used - bound / 10 * 9;
            let step = self.write(Durability::Written, |tx| {
                let count: i64 = tx.query_row("SELECT count(*) FROM events", [], |r| r.get(0))?;
                let share = count.unsigned_abs() as f64 * (excess as f64 / used as f64);
                let victims = oldest(tx, i64::MAX, (share as usize).clamp(1, STEP))?;
                remove(tx, &victims, sinks)
            })?;
            retained.removed += step.removed;
            retained.dropped += step.dropped;
            retained.more |= step.removed > 0 && self.used_bytes()? > bound;
        }
        retained.more |= retained.removed >= STEP as u64;
        if retained.removed > 0 {
            self.give_space_back()?;
        }
        Ok(retained)
    }

    /// Bytes of the database on disk, with its write-ahead log.
    pub fn bytes(&self) -> u64 {
        let size = |suffix: &str| {
            let mut file = self.file.clone().into_os_string();
            file.push(suffix);
            std::fs::metadata(file).map_or(0, |m| m.len())
        };
        size("") + size("-wal")
    }

    pub(super) fn used_bytes(&self) -> Result<u64, OutboxError> {
        self.read(|conn| {
            let value = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            let pages = value("page_count")? - value("freelist_count")?;
            Ok((pages * value("page_size")?).unsigned_abs())
        })
    }

    fn give_space_back(&self) -> Result<(), OutboxError> {
        self.read(|conn| {
            exhaust(conn, "PRAGMA incremental_vacuum(4096)")?;
            // Passive: it waits for no reader; what a reader holds back goes the next time.
            exhaust(conn, "PRAGMA wal_checkpoint(PASSIVE)")
        })
    }
}

fn exhaust(conn: &Connection, pragma: &str) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(pragma)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn oldest(tx: &Transaction<'_>, before: i64, limit: usize) -> rusqlite::Result<Vec<i64>> {
    tx.prepare_cached("SELECT seq FROM events WHERE time < ?1 ORDER BY time, seq LIMIT ?2")?
        .query_map(params![before, limit as i64], |row| row.get(0))?
        .collect()
}

fn remove(tx: &Transaction<'_>, victims: &[i64], sinks: &[Arc<str>]) -> rusqlite::Result<Retained> {
    // What a digest tells is told: the digest has the counts. What is only gathered is not.
    let mut untold =
        tx.prepare_cached("SELECT sink FROM deliveries WHERE seq = ?1 AND state NOT IN ('delivered', 'digested')")?;
    // Not left to the cascade alone, so that the triggers of the tallies certainly run.
    let mut deliveries = tx.prepare_cached("DELETE FROM deliveries WHERE seq = ?1")?;
    let mut event = tx.prepare_cached("DELETE FROM events WHERE seq = ?1")?;
    let mut retained = Retained::default();
    for seq in victims {
        let mut rows = untold.query([seq])?;
        let mut dropped = false;
        while let Some(row) = rows.next()? {
            let sink = row.get_ref(0)?.as_str()?;
            dropped |= sinks.iter().any(|s| **s == *sink);
        }
        drop(rows);
        deliveries.execute([seq])?;
        event.execute([seq])?;
        retained.removed += 1;
        retained.dropped += u64::from(dropped);
    }
    Ok(retained)
}
