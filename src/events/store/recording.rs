//! Writing events down, and remembering what they leave unfinished.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{Durability, OutboxError, Store, nanos};
use crate::events::{Event, EventKind, OpenVisit, Unfinished};

/// More unfinished rows than any house has cameras and zones; beyond, the oldest are forgotten.
const UNFINISHED_AT_MOST: i64 = 10_000;

impl Store {
    /// Writes the events down with a pending delivery for each sink, all or none, and returns how many were new: an
    /// event whose id is there already is passed over. When this returns, the disk has them.
    pub fn record(&mut self, events: &[Event], sinks: &[Arc<str>], now: Timestamp) -> Result<usize, OutboxError> {
        self.write(Durability::Synced, |tx| {
            let mut new = 0;
            for event in events {
                new += usize::from(insert(tx, event, sinks, now)?);
            }
            Ok(new)
        })
    }

    /// What was begun and not finished, from the committed events: the newest of each camera and zone. It outlives the
    /// events themselves; what the user has since removed is for the caller to leave out.
    pub fn unfinished(&self) -> Result<Unfinished, OutboxError> {
        let found = self.read(unfinished)?;
        Ok(Unfinished { alive_until: self.alive_until, ..found })
    }
}

fn insert(tx: &Transaction<'_>, event: &Event, sinks: &[Arc<str>], now: Timestamp) -> rusqlite::Result<bool> {
    let body = serde_json::to_string(event).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    let camera = event.lane();
    let zone = event.data.zone.as_deref();
    let visit = event.data.visit.as_ref().map(|v| v.id.to_string());
    let inserted = tx
        .prepare_cached(
            "INSERT INTO events (id, kind, camera, zone, visit, time, recorded_at, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            event.id.to_string(),
            event.kind.as_str(),
            camera,
            zone,
            visit,
            nanos(event.time),
            nanos(now),
            body,
        ])?;
    if inserted == 0 {
        return Ok(false);
    }
    let seq = tx.last_insert_rowid();
    let mut deliver = tx.prepare_cached("INSERT OR IGNORE INTO deliveries (sink, seq, camera) VALUES (?1, ?2, ?3)")?;
    for sink in sinks {
        deliver.execute(params![&**sink, seq, camera])?;
    }
    follow(tx, event, seq, &body)?;
    Ok(true)
}

fn follow(tx: &Transaction<'_>, event: &Event, seq: i64, body: &str) -> rusqlite::Result<()> {
    let camera = event.lane();
    let zone = event.data.zone.as_deref().unwrap_or_default();
    let visit = event.data.visit.as_ref().map(|v| v.id.to_string());
    let begin = |topic: &str, zone: &str| {
        tx.prepare_cached(
            "INSERT OR REPLACE INTO unfinished (camera, topic, zone, visit, seq, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![camera, topic, zone, visit, seq, body])
    };
    match event.kind {
        EventKind::VisitStarted => begin("visit", zone)?,
        EventKind::CameraDown => begin("down", "")?,
        EventKind::VisitEnded => tx
            .prepare_cached(
                "DELETE FROM unfinished WHERE camera = ?1 AND topic = 'visit' AND zone = ?2 AND visit IS ?3",
            )?
            .execute(params![camera, zone, visit])?,
        EventKind::CameraUp => {
            tx.prepare_cached("DELETE FROM unfinished WHERE camera = ?1 AND topic = 'down'")?.execute([camera])?
        }
        EventKind::SnapshotStored | EventKind::Digest => return Ok(()),
    };
    tx.prepare_cached(
        "DELETE FROM unfinished WHERE seq <= (SELECT seq FROM unfinished ORDER BY seq DESC LIMIT 1 OFFSET ?1)",
    )?
    .execute([UNFINISHED_AT_MOST])?;
    Ok(())
}

fn unfinished(conn: &Connection) -> rusqlite::Result<Unfinished> {
    let mut begun = conn.prepare("SELECT body FROM unfinished ORDER BY seq")?;
    let bodies = begun.query_map([], |row| row.get::<_, String>(0))?;
    let mut found = Unfinished::default();
    for body in bodies {
        let Ok(event) = serde_json::from_str::<Event>(&body?) else {
            tracing::warn!("an unfinished visit or outage cannot be read and is forgotten");
            continue;
        };
        let Some(camera) = event.data.camera.map(|camera| camera.id) else {
            continue;
        };
        match (event.kind, event.data.visit) {
            (EventKind::CameraDown, _) => {
                let since = event.data.down_since.unwrap_or(event.time);
                found.down.push((camera, since));
            }
            (_, Some(visit)) => found.visits.push(OpenVisit { camera, zone: event.data.zone, visit }),
            (_, None) => {}
        }
    }
    Ok(found)
}
