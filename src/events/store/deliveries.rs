//! Which event is due to which sink, and how far each delivery got.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Durability, OutboxError, Store,
    lanes::{Wanted, due_seqs},
    nanos, timestamp,
};
use crate::{events::Event, words::EventId};

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The event's place in the order of recording: the delivery's key, with the sink.
    pub seq: i64,
    /// What to tell.
    pub event: Event,
    /// Attempts that failed.
    pub attempts: u32,
    /// When the event was written down.
    pub recorded_at: Timestamp,
}

/// How many deliveries of a sink wait and how many were given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Waiting.
    pub pending: u64,
    /// On the dead-letter list.
    pub dead: u64,
}

impl Store {
    /// What is due to a sink, at most one delivery of each lane. An event that cannot be read back is buried on the way, so
    /// that it holds up nothing.
    pub(in crate::events) fn due(&mut self, wanted: Wanted<'_>) -> Result<Vec<Delivery>, OutboxError> {
        let sink = wanted.sink;
        let (mut due, mut bare) = (Vec::new(), Vec::new());
        for seq in self.read(|conn| due_seqs(conn, &wanted))? {
            match self.read(|conn| load(conn, sink, seq))? {
                Some(Ok((delivery, awaits_pictures))) => {
                    due.push(delivery);
                    bare.extend(awaits_pictures.then_some(seq));
                }
                Some(Err(unreadable)) => {
                    tracing::error!(sink, seq, error = %unreadable, "an event cannot be read back");
                    self.bury(sink, seq, "the stored event cannot be read")?;
                }
                None => {}
            }
        }
        if !bare.is_empty()
            && let Err(error) = self.mark_bare(sink, &bare)
        {
            // Whoever is told late is better off than who is not told: a full disk must not silence the house.
            tracing::warn!(sink, %error, "told without pictures, which may not follow");
        }
        Ok(due)
    }

    /// When the next postponed delivery of `sink` falls due, if one does after `now`.
    pub fn next_retry_at(&self, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, OutboxError> {
        self.first_after(
            "SELECT min(next_attempt_at) FROM deliveries INDEXED BY deliveries_pending
             WHERE sink = ?1 AND state = 'pending' AND behind = 0 AND next_attempt_at > ?2",
            sink,
            now,
        )
    }

    /// When the next delivery of `sink` that is held falls due, if one does after `now`.
    pub fn next_hold_end(&self, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, OutboxError> {
        self.first_after(
            "SELECT min(held_until) FROM deliveries INDEXED BY deliveries_held
             WHERE sink = ?1 AND state = 'pending' AND held_until > 0 AND held_until > ?2",
            sink,
            now,
        )
    }

    fn first_after(&self, sql: &str, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, OutboxError> {
        self.read(|conn| {
            conn.prepare_cached(sql)?.query_row(params![sink, nanos(now)], |row| row.get::<_, Option<i64>>(0))
        })
        .map(|at| at.map(timestamp))
    }

    /// The receiver has it. Where `hasten`, what was postponed for this sink is due at once: its receiver came back.
    pub fn acknowledge(&mut self, sink: &str, seq: i64, now: Timestamp, hasten: bool) -> Result<(), OutboxError> {
        self.write(Durability::Written, |tx| {
            tx.prepare_cached(
                "UPDATE deliveries SET state = 'delivered', delivered_at = ?3, last_error = NULL
                 WHERE sink = ?1 AND seq = ?2 AND state <> 'delivered'",
            )?
            .execute(params![sink, seq, nanos(now)])?;
            if hasten {
                tx.prepare_cached(
                    "UPDATE deliveries SET next_attempt_at = 0
                     WHERE sink = ?1 AND state = 'pending' AND behind = 0 AND next_attempt_at > 0",
                )?
                .execute([sink])?;
            }
            Ok(())
        })
    }

    /// An attempt failed; the next one is due at `until`.
    pub fn postpone(&mut self, sink: &str, seq: i64, until: Timestamp, error: &str) -> Result<(), OutboxError> {
        self.write(Durability::Written, |tx| {
            tx.prepare_cached(
                "UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = ?3, last_error = ?4
                 WHERE sink = ?1 AND seq = ?2 AND state = 'pending'",
            )?
            .execute(params![sink, seq, nanos(until).max(1), error])
            .map(drop)
        })
    }

    /// The last attempt failed: the delivery goes to the dead-letter list.
    pub fn bury(&mut self, sink: &str, seq: i64, error: &str) -> Result<(), OutboxError> {
        self.write(Durability::Written, |tx| {
            tx.prepare_cached(
                "UPDATE deliveries SET attempts = attempts + 1, state = 'dead', last_error = ?3
                 WHERE sink = ?1 AND seq = ?2 AND state = 'pending'",
            )?
            .execute(params![sink, seq, error])
            .map(drop)
        })
    }

    /// Takes deliveries off the dead-letter list to be tried anew from the start of the schedule: those of one sink or of
    /// all, of one event or of all. Returns how many.
    pub fn retry(&mut self, sink: Option<&str>, event: Option<EventId>) -> Result<usize, OutboxError> {
        let event = event.map(|id| id.to_string());
        self.write(Durability::Synced, |tx| {
            tx.prepare_cached(
                "UPDATE deliveries SET state = 'pending', attempts = 0, next_attempt_at = 0
                 WHERE state = 'dead' AND (?1 IS NULL OR sink = ?1)
                   AND (?2 IS NULL OR seq = (SELECT seq FROM events WHERE id = ?2))",
            )?
            .execute(params![sink, event])
        })
    }

    /// Makes the oldest delivery of `sink` that waits due: it finds out whether the receiver is back.
    pub fn probe(&mut self, sink: &str) -> Result<usize, OutboxError> {
        self.write(Durability::Written, |tx| {
            tx.prepare_cached(
                "UPDATE deliveries SET next_attempt_at = 0 WHERE sink = ?1 AND seq =
                 (SELECT min(seq) FROM deliveries INDEXED BY deliveries_pending
                  WHERE sink = ?1 AND state = 'pending' AND behind = 0)",
            )?
            .execute([sink])
        })
    }

    /// Makes every delivery of `sink` due that is postponed beyond `latest`: none is for longer, so the clock was set
    /// back since.
    pub fn forgive_clock(&mut self, sink: &str, latest: Timestamp) -> Result<usize, OutboxError> {
        self.write(Durability::Written, |tx| {
            tx.prepare_cached(
                "UPDATE deliveries SET next_attempt_at = 0
                 WHERE sink = ?1 AND state = 'pending' AND behind = 0 AND next_attempt_at > ?2",
            )?
            .execute(params![sink, nanos(latest)])
        })
    }

    /// Sinks that are not among `sinks` and have deliveries waiting, with how many.
    pub fn strays(&self, sinks: &[Arc<str>]) -> Result<Vec<(String, u64)>, OutboxError> {
        let all: Vec<(String, i64)> = self.read(|conn| {
            let mut select = conn.prepare("SELECT sink, pending FROM tallies WHERE pending > 0")?;
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })?;
        let is_known = |name: &str| sinks.iter().any(|sink| **sink == *name);
        Ok(all.into_iter().filter(|(name, _)| !is_known(name)).map(|(name, n)| (name, n.unsigned_abs())).collect())
    }

    /// How many deliveries of `sink` wait and how many are dead.
    pub fn tally(&self, sink: &str) -> Result<Tally, OutboxError> {
        self.read(|conn| {
            conn.prepare_cached("SELECT pending, dead FROM tallies WHERE sink = ?1")?
                .query_row([sink], |row| {
                    Ok(Tally {
                        pending: row.get::<_, i64>(0)?.unsigned_abs(),
                        dead: row.get::<_, i64>(1)?.unsigned_abs(),
                    })
                })
                .optional()
        })
        .map(Option::unwrap_or_default)
    }
}

/// The delivery, and whether its pictures have not come.
type Loaded = Result<(Delivery, bool), serde_json::Error>;

fn load(conn: &Connection, sink: &str, seq: i64) -> rusqlite::Result<Option<Loaded>> {
    let mut select = conn.prepare_cached(
        "SELECT e.body, d.attempts, e.recorded_at, d.held_until > 0 FROM deliveries d JOIN events e USING (seq)
         WHERE d.sink = ?1 AND d.seq = ?2",
    )?;
    let found = select
        .query_row(params![sink, seq], |row| {
            let (body, attempts, recorded_at): (String, u32, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let awaits_pictures = row.get(3)?;
            Ok(serde_json::from_str(&body)
                .map(|event| (Delivery { seq, event, attempts, recorded_at: timestamp(recorded_at) }, awaits_pictures)))
        })
        .optional()?;
    Ok(found)
}
