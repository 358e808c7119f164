//! Writing events down, and remembering what they leave unfinished.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Durability, OutboxError, Store, nanos};
use crate::{
    events::{
        Event, EventKind, OpenVisit, Unfinished,
        addressees::Addressees,
        budget::{Start, Verdict},
    },
    words::{CameraId, Moment},
};

/// More unfinished rows than any house has cameras, zones and labels; beyond, the oldest are forgotten.
const UNFINISHED_AT_MOST: i64 = 10_000;

/// An event that is not written down yet.
#[derive(Debug, Clone)]
pub(in crate::events) struct Unwritten {
    /// The event.
    pub(in crate::events) event: Event,
    /// Nobody is told before, unless its pictures are attached.
    pub(in crate::events) held_until: Option<Timestamp>,
}

/// What was written down.
#[derive(Debug, Default, PartialEq)]
pub(in crate::events) struct Recorded {
    /// How many events were new.
    pub(in crate::events) new: u64,
    /// The place of the last of them.
    pub(in crate::events) newest: Option<i64>,
    /// How many were over the budget of which sink.
    pub(in crate::events) gathered: HashMap<Arc<str>, u64>,
}

impl Store {
    /// Writes the events down with a delivery for each sink that wants it, pending, held or gathered: all or none. An
    /// event whose id is there already is passed over. When this returns, the disk has them.
    pub(in crate::events) fn record(
        &mut self,
        events: &[Unwritten],
        to: &mut Addressees,
        now: Moment,
    ) -> Result<Recorded, OutboxError> {
        let recorded = self.write(Durability::Synced, |tx| {
            let mut recorded = Recorded::default();
            for unwritten in events {
                record(tx, unwritten, to, now, &mut recorded)?;
            }
            Ok(recorded)
        });
        match &recorded {
            Ok(_) => to.confirm(),
            Err(_) => to.take_back(),
        }
        recorded
    }

    /// A camera is gone for good: that it was told to be down is forgotten, as nobody will ever be told that it is up.
    pub(in crate::events) fn forget_outage(&mut self, camera: &CameraId) -> Result<(), OutboxError> {
        self.write(Durability::Written, |tx| forget_outage(tx, camera.as_str()).map(drop))
    }

    /// What was begun and not finished, from the committed events: the newest of each camera, zone and label. It outlives the
    /// events themselves; what the user has since removed is for the caller to leave out.
    pub fn unfinished(&self) -> Result<Unfinished, OutboxError> {
        let found = self.read(unfinished)?;
        Ok(Unfinished { alive_until: self.alive_until, ..found })
    }
}

fn record(
    tx: &Transaction<'_>,
    Unwritten { event, held_until }: &Unwritten,
    to: &mut Addressees,
    now: Moment,
    recorded: &mut Recorded,
) -> rusqlite::Result<()> {
    let body = body(event)?;
    let Some(seq) = insert(tx, event, &body, now.wall)? else { return Ok(()) };
    recorded.new += 1;
    recorded.newest = Some(seq);
    for entry in to.wanting(event) {
        let start = if entry.is_budgeted() { start(tx, entry.name(), event)? } else { None };
        let state = match entry.judge(event, start, now.steady) {
            Verdict::Tell => State::Pending { held_until: *held_until },
            Verdict::Gather => {
                *recorded.gathered.entry(Arc::clone(entry.name())).or_default() += 1;
                State::Gathered
            }
        };
        address(tx, entry.name(), seq, event.lane(), state)?;
    }
    follow(tx, event, seq, &body)
}

/// What a sink knows of the start to which the event is the end. Asked before the end is written down, as that forgets
/// the start.
fn start(tx: &Transaction<'_>, sink: &str, event: &Event) -> rusqlite::Result<Option<Start>> {
    let (topic, zone) = match event.kind {
        EventKind::VisitEnded => ("visit", event.data.zone.as_deref().unwrap_or_default()),
        EventKind::CameraUp => ("down", ""),
        _ => return Ok(None),
    };
    let visit = event.data.visit.as_ref().map(|v| v.id.to_string());
    let state: Option<String> = tx
        .prepare_cached(
            "SELECT d.state FROM unfinished u JOIN deliveries d ON d.sink = ?1 AND d.seq = u.seq
             WHERE u.camera = ?2 AND u.topic = ?3 AND u.zone = ?4 AND u.visit IS ?5",
        )?
        .query_row(params![sink, event.lane(), topic, zone, visit], |row| row.get(0))
        .optional()?;
    Ok(match state.as_deref() {
        Some("pending" | "delivered" | "dead") => Some(Start::Told),
        Some("gathered") => Some(Start::Gathered),
        _ => None,
    })
}

/// The event as it is stored.
pub(super) fn body(event: &Event) -> rusqlite::Result<String> {
    serde_json::to_string(event).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// Writes down the event alone; `None` if its id is there already.
pub(super) fn insert(tx: &Transaction<'_>, event: &Event, body: &str, now: Timestamp) -> rusqlite::Result<Option<i64>> {
    let inserted = tx
        .prepare_cached(
            "INSERT INTO events (id, kind, camera, zone, visit, time, recorded_at, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            event.id.to_string(),
            event.kind.as_str(),
            event.lane(),
            event.data.zone.as_deref(),
            event.data.visit.as_ref().map(|v| v.id.to_string()),
            nanos(event.time),
            nanos(now),
            body,
        ])?;
    Ok((inserted > 0).then(|| tx.last_insert_rowid()))
}

/// How a delivery begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    Pending {
        held_until: Option<Timestamp>,
    },
    /// To be told when the delivery of the event of this place is settled.
    Behind(i64),
    Gathered,
}

/// Writes down that a sink is to be told of the event.
pub(super) fn address(tx: &Transaction<'_>, sink: &str, seq: i64, lane: &str, state: State) -> rusqlite::Result<()> {
    let (state, held_until, behind) = match state {
        State::Pending { held_until } => ("pending", held_until.map_or(0, |until| nanos(until).max(1)), 0),
        State::Behind(first) => ("pending", 0, first),
        State::Gathered => ("gathered", 0, 0),
    };
    tx.prepare_cached(
        "INSERT OR IGNORE INTO deliveries (sink, seq, camera, state, held_until, behind) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![sink, seq, lane, state, held_until, behind])
    .map(drop)
}

fn follow(tx: &Transaction<'_>, event: &Event, seq: i64, body: &str) -> rusqlite::Result<()> {
    let camera = event.lane();
    let zone = event.data.zone.as_deref().unwrap_or_default();
    let visit = event.data.visit.as_ref().map(|v| v.id.to_string());
    let label = event.data.label.as_deref().unwrap_or_default();
    let begin = |topic: &str, zone: &str, label: &str| {
        tx.prepare_cached(
            "INSERT OR REPLACE INTO unfinished (camera, topic, zone, label, visit, seq, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![camera, topic, zone, label, visit, seq, body])
    };
    match event.kind {
        EventKind::VisitStarted => begin("visit", zone, label)?,
        EventKind::CameraDown => begin("down", "", "")?,
        EventKind::VisitEnded => tx
            .prepare_cached(
                "DELETE FROM unfinished WHERE camera = ?1 AND topic = 'visit' AND zone = ?2 AND visit IS ?3",
            )?
            .execute(params![camera, zone, visit])?,
        EventKind::CameraUp => forget_outage(tx, camera)?,
        EventKind::SnapshotStored | EventKind::Digest => return Ok(()),
    };
    tx.prepare_cached(
        "DELETE FROM unfinished WHERE seq <= (SELECT seq FROM unfinished ORDER BY seq DESC LIMIT 1 OFFSET ?1)",
    )?
    .execute([UNFINISHED_AT_MOST])?;
    Ok(())
}

fn forget_outage(tx: &Transaction<'_>, camera: &str) -> rusqlite::Result<usize> {
    tx.prepare_cached("DELETE FROM unfinished WHERE camera = ?1 AND topic = 'down'")?.execute([camera])
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
            (_, Some(visit)) => {
                found.visits.push(OpenVisit { camera, zone: event.data.zone, label: event.data.label, visit });
            }
            (_, None) => {}
        }
    }
    Ok(found)
}
