//! Which delivery of which lane is next.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::nanos;

/// Deliveries looked at in order, before each lane is asked for its first.
const GLANCE: i64 = 64;

/// What a courier asks for.
#[derive(Debug, Clone, Copy)]
pub(in crate::events) struct Wanted<'a> {
    /// For whom.
    pub(in crate::events) sink: &'a str,
    /// The present.
    pub(in crate::events) now: Timestamp,
    /// At most so many.
    pub(in crate::events) limit: usize,
    /// Nothing of these lanes.
    pub(in crate::events) busy: &'a [Arc<str>],
    /// Nothing that is postponed.
    pub(in crate::events) untried_only: bool,
}

/// The first delivery that is due of each lane, of these the first ones: what was never tried (or hastened) in the order of
/// recording, then what was postponed, as it falls due. While a delivery of a lane is held, what was recorded after it
/// waits behind it. Pictures that are told apart from their event wait until it has been told, however often that fails;
/// what else was recorded after a delivery that failed does not.
///
/// Mostly the first few of all that is due are of different lanes, and a glance at them is enough. If one lane has a long
/// backlog, each lane is asked for its first, so that the length of a backlog never matters.
pub(super) fn due_seqs(conn: &Connection, wanted: &Wanted<'_>) -> rusqlite::Result<Vec<i64>> {
    let held = first_held(conn, wanted)?;
    let busy: HashSet<&str> = wanted.busy.iter().map(|lane| &**lane).collect();
    let mut glance = conn.prepare_cached(
        "SELECT seq, camera FROM deliveries INDEXED BY deliveries_pending
         WHERE sink = ?1 AND state = 'pending' AND next_attempt_at <= ?2 AND behind = 0
         ORDER BY next_attempt_at, seq LIMIT ?3",
    )?;
    let mut rows = glance.query(params![wanted.sink, wanted.up_to(), GLANCE])?;
    let (mut chosen, mut lanes, mut seen) = (Vec::new(), HashSet::new(), 0);
    while let Some(row) = rows.next()? {
        seen += 1;
        let (seq, lane): (i64, &str) = (row.get(0)?, row.get_ref(1)?.as_str()?);
        let is_free = !busy.contains(lane) && !lanes.contains(lane) && held.get(lane).is_none_or(|first| seq < *first);
        if is_free && chosen.len() < wanted.limit {
            chosen.push(seq);
            lanes.insert(lane.to_owned());
        }
    }
    if chosen.len() == wanted.limit || seen < GLANCE {
        return Ok(chosen);
    }
    ask_each_lane(conn, wanted, &busy, &held)
}

fn ask_each_lane(
    conn: &Connection,
    wanted: &Wanted<'_>,
    busy: &HashSet<&str>,
    held: &HashMap<String, i64>,
) -> rusqlite::Result<Vec<i64>> {
    let mut next_lane = conn.prepare_cached(
        "SELECT camera FROM deliveries INDEXED BY deliveries_by_lane
         WHERE sink = ?1 AND state = 'pending' AND behind = 0 AND camera > ?2 ORDER BY camera LIMIT 1",
    )?;
    let mut first = conn.prepare_cached(
        "SELECT next_attempt_at, seq FROM deliveries INDEXED BY deliveries_by_lane
         WHERE sink = ?1 AND state = 'pending' AND camera = ?2 AND next_attempt_at BETWEEN ?3 AND ?4 AND seq < ?5 AND behind = 0
         ORDER BY next_attempt_at, seq LIMIT 1",
    )?;
    let mut firsts: Vec<(i64, i64)> = Vec::new();
    // What concerns no camera has the first lane: "".
    let mut lane = Some(String::new());
    while let Some(name) = lane {
        if !busy.contains(&*name) {
            let before = held.get(&name).copied().unwrap_or(i64::MAX);
            // Apart, so that what waits behind a held delivery need not be passed to come to what is postponed.
            for (from, to) in [(0, 0), (1, wanted.up_to())] {
                let found = first
                    .query_row(params![wanted.sink, name, from, to, before], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                if let Some(found) = found {
                    firsts.push(found);
                    break;
                }
            }
        }
        lane = next_lane.query_row(params![wanted.sink, name], |row| row.get(0)).optional()?;
    }
    firsts.sort_unstable();
    Ok(firsts.into_iter().take(wanted.limit).map(|(_, seq)| seq).collect())
}

fn first_held(conn: &Connection, wanted: &Wanted<'_>) -> rusqlite::Result<HashMap<String, i64>> {
    conn.prepare_cached(
        "SELECT camera, min(seq) FROM deliveries INDEXED BY deliveries_held
         WHERE sink = ?1 AND state = 'pending' AND held_until > 0 AND held_until > ?2 GROUP BY camera",
    )?
    .query_map(params![wanted.sink, nanos(wanted.now)], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

impl Wanted<'_> {
    /// What was postponed carries its time, what was not carries none.
    fn up_to(&self) -> i64 {
        if self.untried_only { 0 } else { nanos(self.now) }
    }
}
