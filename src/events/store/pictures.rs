//! Deliveries that are held until their event's pictures are stored.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Durability, OutboxError, Store, nanos,
    recording::{State, address, body, insert},
    timestamp,
};
use crate::{
    events::{Attached, Event, EventKind, Snapshot, Subject, addressees::Addressees},
    words::{EventId, Moment},
};

/// What attaching pictures did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::events) struct Attachment {
    /// What became of the pictures.
    pub(in crate::events) attached: Attached,
    /// The place of the `snapshot.stored` event, if one was recorded.
    pub(in crate::events) stored: Option<i64>,
}

impl Store {
    /// Writes the pictures into the event and lets its held deliveries go; sinks that were (perhaps) told without are
    /// told of them by a `snapshot.stored` event. Once an event has pictures, this changes nothing and says the same
    /// again. When it returns, the disk has it.
    pub(in crate::events) fn attach(
        &mut self,
        event: EventId,
        snapshot: &Snapshot,
        to: &mut Addressees,
        now: Timestamp,
    ) -> Result<Attachment, OutboxError> {
        self.write(Durability::Synced, |tx| attach(tx, event, snapshot, to, now))
    }

    /// Lets the held deliveries of the event go: it waits for its pictures no more. Returns how many there were. Who is told
    /// before they come all the same is told of them by themselves.
    pub(in crate::events) fn release(&mut self, event: EventId) -> Result<usize, OutboxError> {
        self.write(Durability::Written, |tx| {
            tx.prepare_cached(
                // Not 0: the pictures may come yet.
                "UPDATE deliveries SET held_until = 1
                 WHERE state = 'pending' AND held_until > 1 AND seq = (SELECT seq FROM events WHERE id = ?1)",
            )?
            .execute([event.to_string()])
        })
    }

    /// For the start of a process, before anybody is told: the pictures of these events are still on their way. Their
    /// holds last for `pause` from `now` on, also where they had passed meanwhile, except for sinks that were (perhaps)
    /// told already, and for no longer than twice `pause` since the event was recorded: a restart costs no event its
    /// pictures, and a process that crashes over and over while the store is away tells it nevertheless. All other holds
    /// end, as the dead process left them behind. Returns which events are held, and until when.
    pub fn renew_holds(
        &mut self,
        events: &[EventId],
        now: Timestamp,
        pause: SignedDuration,
    ) -> Result<BTreeMap<EventId, Timestamp>, OutboxError> {
        let awaited: HashSet<EventId> = events.iter().copied().collect();
        self.renewed_for = self.renewed_for.max(pause);
        self.write(Durability::Synced, |tx| {
            let mut left = tx.prepare(
                "SELECT d.sink, d.seq, e.id, e.recorded_at
                 FROM deliveries d INDEXED BY deliveries_held JOIN events e USING (seq)
                 WHERE d.state = 'pending' AND d.held_until > 0",
            )?;
            let left = left.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            let left: Vec<(String, i64, String, i64)> = left.collect::<Result<_, _>>()?;
            let mut hold = tx.prepare("UPDATE deliveries SET held_until = ?3 WHERE sink = ?1 AND seq = ?2")?;
            let mut held = BTreeMap::new();
            for (sink, seq, id, recorded_at) in left {
                let event = id.parse::<EventId>().ok().filter(|event| awaited.contains(event));
                let until = event.and_then(|event| Some((event, renewed(timestamp(recorded_at), now, pause)?)));
                // Not 0: pictures that are left alone now may be stored by a later process.
                hold.execute(params![sink, seq, until.map_or(1, |(_, until)| nanos(until).max(1))])?;
                held.extend(until);
            }
            Ok(held)
        })
    }

    /// For how long holds were renewed at the start.
    pub(in crate::events) fn renewed_for(&self) -> SignedDuration {
        self.renewed_for
    }

    /// Ends every hold beyond `latest`: none is for longer, so the clock was set back since.
    pub(in crate::events) fn forgive_holds(&mut self, latest: Timestamp) -> Result<usize, OutboxError> {
        self.write(Durability::Written, |tx| {
            // Not 0: the pictures may come yet.
            tx.prepare_cached(
                "UPDATE deliveries INDEXED BY deliveries_held SET held_until = 1
                 WHERE state = 'pending' AND held_until > 0 AND held_until > ?1",
            )?
            .execute([nanos(latest).max(1)])
        })
    }

    /// Remembers that a courier is given these deliveries although their pictures have not come.
    pub(super) fn mark_bare(&mut self, sink: &str, seqs: &[i64]) -> Result<(), OutboxError> {
        self.write(Durability::Written, |tx| {
            let mut mark =
                tx.prepare_cached("UPDATE deliveries SET bare = 1, held_until = 0 WHERE sink = ?1 AND seq = ?2")?;
            seqs.iter().try_for_each(|seq| mark.execute(params![sink, seq]).map(drop))
        })
    }
}

/// Until when an event that was recorded then is held after a restart; `None`: no longer.
fn renewed(recorded_at: Timestamp, now: Timestamp, pause: SignedDuration) -> Option<Timestamp> {
    let after = |at: Timestamp, pause: SignedDuration| at.saturating_add(pause).unwrap_or(Timestamp::MAX);
    // Recorded in the future: the clock was set back, and nobody knows for how long the event has waited already.
    if recorded_at > after(now, Moment::CORRECTION) {
        return None;
    }
    let until = after(now, pause).min(after(after(recorded_at, pause), pause));
    (until > now).then_some(until)
}

fn attach(
    tx: &Transaction<'_>,
    id: EventId,
    snapshot: &Snapshot,
    to: &mut Addressees,
    now: Timestamp,
) -> rusqlite::Result<Attachment> {
    let found: Option<(i64, String)> = tx
        .prepare_cached("SELECT seq, body FROM events WHERE id = ?1")?
        .query_row([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, mut event)) = found.and_then(|(seq, body)| Some((seq, super::history::read(&body)?))) else {
        return Ok(Attachment { attached: Attached::Unknown, stored: None });
    };
    let is_first = event.data.snapshot.is_none();
    if is_first {
        event.data.snapshot = Some(snapshot.clone());
        let body = body(&event)?;
        tx.prepare_cached("UPDATE events SET body = ?2 WHERE seq = ?1")?.execute(params![seq, body])?;
        // An attempt that failed may have reached its receiver all the same.
        tx.prepare_cached(
            "UPDATE deliveries SET held_until = 0, bare = max(bare, state IN ('delivered', 'dead') OR attempts > 0)
             WHERE seq = ?1",
        )?
        .execute([seq])?;
    }
    let mut bare = tx.prepare_cached("SELECT sink FROM deliveries WHERE seq = ?1 AND bare = 1")?;
    let bare: HashSet<String> = bare.query_map([seq], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if bare.is_empty() {
        return Ok(Attachment { attached: Attached::InTime, stored: None });
    }
    let stored = if is_first { tell_of_pictures(tx, seq, &event, &bare, to, now)? } else { None };
    Ok(Attachment { attached: Attached::Late, stored })
}

/// At once, or once the event itself has been told.
fn told_after(tx: &Transaction<'_>, sink: &str, place: i64) -> rusqlite::Result<State> {
    let is_pending = tx
        .prepare_cached("SELECT 1 FROM deliveries WHERE sink = ?1 AND seq = ?2 AND state = 'pending'")?
        .exists(params![sink, place])?;
    Ok(if is_pending { State::Behind(place) } else { State::Pending { held_until: None } })
}

fn tell_of_pictures(
    tx: &Transaction<'_>,
    place: i64,
    of: &Event,
    sinks: &HashSet<String>,
    to: &mut Addressees,
    now: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    let facts = &of.data;
    let data = Subject {
        camera: facts.camera.clone(),
        visit: facts.visit.clone(),
        zone: facts.zone.clone(),
        label: facts.label.clone(),
        snapshot: facts.snapshot.clone(),
        event: Some(of.id),
        ..Subject::of_no_camera()
    };
    let stored = Event { id: EventId::fresh(), kind: EventKind::SnapshotStored, time: now, data };
    let Some(seq) = insert(tx, &stored, &body(&stored)?, now)? else { return Ok(None) };
    for entry in to.wanting(&stored).filter(|entry| sinks.contains(&**entry.name())) {
        address(tx, entry.name(), seq, stored.lane(), told_after(tx, entry.name(), place)?)?;
    }
    Ok(Some(seq))
}
