//! Looking at deliveries: who was told of what, and who was not.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params_from_iter, types::Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{kind, nanos, timestamp};
use crate::words::{CameraId, EventId, EventKind};

/// How far a delivery got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is told as soon as possible, or at its next attempt.
    Pending,
    /// It waits for its event's pictures.
    Held,
    /// The receiver has it.
    Delivered,
    /// It was given up, and can be tried anew.
    Dead,
    /// It was over the sink's budget: the next digest counts it.
    Gathered,
    /// A digest counted it.
    Digested,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeliveryFilter {
    /// To this sink.
    pub sink: Option<String>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of events of this camera.
    pub camera: Option<CameraId>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Of events recorded before the one at this place: the `seq` of the last one of the page before.
    pub before: Option<i64>,
    /// At most so many, the newest; 0 or more than `MAX` means `MAX`. The last event's deliveries are all given, so that
    /// no page begins in the midst of an event: there may be a few more.
    pub limit: usize,
}

impl DeliveryFilter {
    /// The most that one listing asks for.
    pub const MAX: usize = 1000;
}

/// A delivery, as far as it got.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveryView {
    /// The event's place in the order of recording.
    pub seq: i64,
    /// The sink.
    pub sink: String,
    /// The event.
    pub event: EventId,
    /// The event's kind.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The event's camera, where it concerns a single one.
    pub camera: Option<String>,
    /// How far it got.
    pub state: DeliveryState,
    /// Attempts that failed.
    pub attempts: u32,
    /// Why the last one failed.
    pub last_error: Option<String>,
    /// When it is tried next, if not as soon as possible.
    pub next_attempt_at: Option<Timestamp>,
    /// When the event was written down.
    pub recorded_at: Timestamp,
    /// When the receiver had it.
    pub delivered_at: Option<Timestamp>,
    /// The digest that counted it.
    pub digest: Option<EventId>,
}

pub(super) fn deliveries(
    conn: &Connection,
    filter: &DeliveryFilter,
    now: Timestamp,
) -> rusqlite::Result<Vec<DeliveryView>> {
    let limit = match filter.limit {
        1..=DeliveryFilter::MAX => filter.limit,
        _ => DeliveryFilter::MAX,
    };
    let now = nanos(now);
    let (sql, values) = statement(filter, now);
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let mut found: Vec<DeliveryView> = Vec::new();
    while let Some(row) = rows.next()? {
        let view = view(row, now)?;
        if found.len() >= limit && found.last().map(|last| last.seq) != view.as_ref().map(|next| next.seq) {
            break;
        }
        found.extend(view);
    }
    Ok(found)
}

/// The statement without a limit, and its values.
fn statement(filter: &DeliveryFilter, now: i64) -> (String, Vec<Value>) {
    // The deliveries come first in the join, so that they are walked along an index in the order wanted.
    let mut sql = String::from(
        "SELECT d.seq, d.sink, e.id, e.kind, d.camera, d.state, d.attempts, d.last_error, d.next_attempt_at, d.held_until,
                e.recorded_at, d.delivered_at, (SELECT id FROM events WHERE seq = d.digest)
         FROM deliveries d",
    );
    if filter.state == Some(DeliveryState::Held) {
        // Few are, however many wait.
        sql.push_str(" INDEXED BY deliveries_held");
    }
    sql.push_str(" CROSS JOIN events e ON e.seq = d.seq WHERE true");
    let mut values: Vec<Value> = Vec::new();
    let mut only = |condition: &str, value: Option<Value>| {
        sql.push_str(condition);
        values.extend(value);
    };
    if let Some(sink) = &filter.sink {
        only(" AND d.sink = ?", Some(sink.clone().into()));
    }
    if let Some(camera) = &filter.camera {
        only(" AND d.camera = ?", Some(camera.to_string().into()));
    }
    if let Some(event) = &filter.event {
        only(" AND d.seq = (SELECT seq FROM events WHERE id = ?)", Some(event.to_string().into()));
    }
    if let Some(before) = filter.before {
        only(" AND d.seq < ?", Some(before.into()));
    }
    if let Some(state) = filter.state {
        // Words, not values: SQLite takes an index of some states only where it sees that they are meant.
        match state {
            DeliveryState::Pending => only(" AND d.state = 'pending' AND d.held_until <= ?", Some(now.into())),
            DeliveryState::Held => {
                only(" AND d.state = 'pending' AND d.held_until > 0 AND d.held_until > ?", Some(now.into()));
            }
            DeliveryState::Delivered => only(" AND d.state = 'delivered'", None),
            DeliveryState::Dead => only(" AND d.state = 'dead'", None),
            DeliveryState::Gathered => only(" AND d.state = 'gathered'", None),
            DeliveryState::Digested => only(" AND d.state = 'digested'", None),
        }
        if !matches!(state, DeliveryState::Delivered | DeliveryState::Digested) {
            only(" AND d.state <> 'delivered' AND d.state <> 'digested'", None);
        }
    }
    only(" ORDER BY d.seq DESC, d.sink DESC", None);
    (sql, values)
}

fn view(row: &Row<'_>, now: i64) -> rusqlite::Result<Option<DeliveryView>> {
    let (next_attempt_at, held_until): (i64, i64) = (row.get(8)?, row.get(9)?);
    let state = match row.get_ref(5)?.as_str()? {
        "pending" if held_until > now => DeliveryState::Held,
        "delivered" => DeliveryState::Delivered,
        "dead" => DeliveryState::Dead,
        "gathered" => DeliveryState::Gathered,
        "digested" => DeliveryState::Digested,
        _ => DeliveryState::Pending,
    };
    let is_open = matches!(state, DeliveryState::Pending | DeliveryState::Held);
    let next = next_attempt_at.max(if held_until > now { held_until } else { 0 });
    let (Ok(event), Some(kind)) = (row.get_ref(2)?.as_str()?.parse(), kind(row.get_ref(3)?.as_str()?)) else {
        return Ok(None);
    };
    let digest: Option<String> = row.get(12)?;
    let camera: String = row.get(4)?;
    Ok(Some(DeliveryView {
        seq: row.get(0)?,
        sink: row.get(1)?,
        event,
        kind,
        camera: Some(camera).filter(|camera| !camera.is_empty()),
        state,
        attempts: row.get(6)?,
        last_error: row.get(7)?,
        next_attempt_at: (is_open && next > 0).then(|| timestamp(next)),
        recorded_at: timestamp(row.get(10)?),
        delivered_at: row.get::<_, Option<i64>>(11)?.map(timestamp),
        digest: digest.and_then(|id| id.parse().ok()),
    }))
}

/// How SQLite finds what the filter asks for.
#[cfg(test)]
pub(super) fn plan(conn: &Connection, filter: &DeliveryFilter) -> rusqlite::Result<String> {
    let (sql, values) = statement(filter, 1);
    let mut select = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let steps = select.query_map(params_from_iter(values), |row| row.get::<_, String>(3))?;
    steps.map(|step| Ok(step? + "\n")).collect()
}
