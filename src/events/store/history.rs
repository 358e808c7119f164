//! Looking back at what was recorded.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};

use super::{OutboxError, Store, nanos};
use crate::{
    events::{Event, EventKind},
    words::{CameraId, EventId},
};

/// Which events to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventFilter {
    /// Of this camera.
    pub camera: Option<CameraId>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Earlier than this time.
    pub before: Option<Timestamp>,
    /// At most so many, the newest; 0 or more than `MAX` means `MAX`.
    pub limit: usize,
}

impl EventFilter {
    /// The most that one listing gives.
    pub const MAX: usize = 1000;
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The sink that did not get it.
    pub sink: String,
    /// The event.
    pub event: Event,
    /// Attempts that failed.
    pub attempts: u32,
    /// The last failure.
    pub last_error: Option<String>,
}

impl Store {
    /// The newest events that pass the filter, newest first.
    pub fn list(&self, filter: &EventFilter) -> Result<Vec<Event>, OutboxError> {
        self.read(|conn| list(conn, filter))
    }

    /// One event.
    pub fn get(&self, id: EventId) -> Result<Option<Event>, OutboxError> {
        self.read(|conn| get(conn, id))
    }

    /// The newest place ever given to an event; 0 where there was none.
    pub(in crate::events) fn newest_seq(&self) -> Result<i64, OutboxError> {
        self.read(newest_seq)
    }
}

pub(super) fn list(conn: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<Event>> {
    let (sql, values) = statement(filter);
    let mut select = conn.prepare_cached(&sql)?;
    let bodies = select.query_map(params_from_iter(values), |row| row.get::<_, String>(0))?;
    let mut events = Vec::new();
    for body in bodies {
        events.extend(read(&body?));
    }
    Ok(events)
}

fn statement(filter: &EventFilter) -> (String, Vec<Value>) {
    let limit = match filter.limit {
        1..=EventFilter::MAX => filter.limit,
        _ => EventFilter::MAX,
    };
    let mut sql = String::from("SELECT body FROM events");
    if filter.camera.is_some() && filter.kind.is_some() {
        // SQLite sees no difference to walking through the kind, or the camera, alone.
        sql.push_str(" INDEXED BY events_by_camera_and_kind");
    }
    sql.push_str(" WHERE true");
    let mut values: Vec<Value> = Vec::new();
    let mut only = |condition: &str, value: Value| {
        sql.push_str(condition);
        values.push(value);
    };
    if let Some(camera) = &filter.camera {
        only(" AND camera = ?", camera.to_string().into());
    }
    if let Some(kind) = filter.kind {
        only(" AND kind = ?", kind.as_str().to_owned().into());
    }
    if let Some(since) = filter.since {
        only(" AND time >= ?", nanos(since).into());
    }
    if let Some(before) = filter.before {
        only(" AND time < ?", nanos(before).into());
    }
    only(" ORDER BY time DESC, seq DESC LIMIT ?", (limit as i64).into());
    (sql, values)
}

/// How SQLite finds what the filter asks for.
#[cfg(test)]
pub(super) fn plan(conn: &Connection, filter: &EventFilter) -> rusqlite::Result<String> {
    let (sql, values) = statement(filter);
    let mut select = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let steps = select.query_map(params_from_iter(values), |row| row.get::<_, String>(3))?;
    steps.map(|step| Ok(step? + "\n")).collect()
}

pub(super) fn get(conn: &Connection, id: EventId) -> rusqlite::Result<Option<Event>> {
    let body: Option<String> = conn
        .prepare_cached("SELECT body FROM events WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|body| read(&body)))
}

/// Starts within the time of one visit that are looked at: other zones have theirs.
const STARTS: i64 = 1000;

pub(super) fn start_of(conn: &Connection, end: &Event) -> rusqlite::Result<Option<Event>> {
    let (Some(camera), Some(visit)) = (&end.data.camera, &end.data.visit) else { return Ok(None) };
    let mut select = conn.prepare_cached(
        "SELECT body FROM events INDEXED BY events_by_camera_and_kind
         WHERE camera = ?1 AND kind = ?2 AND time >= ?3 AND time <= ?4 ORDER BY time, seq LIMIT ?5",
    )?;
    let (from, to) = (nanos(visit.started_at), nanos(end.time));
    let mut rows = select.query((camera.id.to_string(), EventKind::VisitStarted.as_str(), from, to, STARTS))?;
    while let Some(row) = rows.next()? {
        let start = read(&row.get::<_, String>(0)?);
        if let Some(start) = start.filter(|start| start.data.visit.as_ref().is_some_and(|began| began.id == visit.id)) {
            return Ok(Some(start));
        }
    }
    Ok(None)
}

pub(super) fn dead_letters(conn: &Connection, limit: usize) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut select = conn.prepare_cached(
        "SELECT d.sink, d.attempts, d.last_error, e.body FROM deliveries d JOIN events e USING (seq)
         WHERE d.state = 'dead' ORDER BY d.sink, d.seq LIMIT ?1",
    )?;
    let mut rows = select.query(params![limit.min(EventFilter::MAX) as i64])?;
    let mut dead = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(event) = read(row.get_ref(3)?.as_str()?) {
            dead.push(DeadLetter { sink: row.get(0)?, event, attempts: row.get(1)?, last_error: row.get(2)? });
        }
    }
    Ok(dead)
}

/// The newest place ever given to an event; it never goes back.
pub(super) fn newest_seq(conn: &Connection) -> rusqlite::Result<i64> {
    let newest = conn
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(newest.unwrap_or_default())
}

pub(super) fn after(conn: &Connection, seq: i64, limit: usize) -> rusqlite::Result<Vec<(i64, Event)>> {
    // No limit in the statement, so that events that cannot be read never stop whoever follows.
    let mut select = conn.prepare_cached("SELECT seq, body FROM events WHERE seq > ?1 ORDER BY seq")?;
    let mut rows = select.query([seq])?;
    let mut events = Vec::new();
    while events.len() < limit.min(EventFilter::MAX) {
        let Some(row) = rows.next()? else { break };
        if let Some(event) = read(row.get_ref(1)?.as_str()?) {
            events.push((row.get(0)?, event));
        }
    }
    Ok(events)
}

pub(super) fn seq_of(conn: &Connection, id: EventId) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT seq FROM events WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()
}

/// The event as it was stored; what cannot be read is logged.
pub(super) fn read(body: &str) -> Option<Event> {
    serde_json::from_str(body).inspect_err(|error| tracing::warn!(%error, "a stored event cannot be read")).ok()
}
