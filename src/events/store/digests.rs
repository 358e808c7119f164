//! What was over a sink's budget: gathered, then told by one digest.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Durability, OutboxError, Store, kind,
    recording::{State, address, body, insert},
    timestamp,
};
use crate::{
    events::{DigestFacts, DigestGroup, Event, EventKind, Subject},
    words::EventId,
};

impl Store {
    /// When the first of the events was recorded that are gathered for the sink and in no digest yet.
    pub(in crate::events) fn gathered_since(&self, sink: &str) -> Result<Option<Timestamp>, OutboxError> {
        self.read(|conn| {
            conn.prepare_cached(
                "SELECT recorded_at FROM events WHERE seq =
                 (SELECT min(seq) FROM deliveries INDEXED BY deliveries_gathered WHERE sink = ?1 AND state = 'gathered')",
            )?
            .query_row([sink], |row| row.get(0))
            .optional()
        })
        .map(|at| at.map(timestamp))
    }

    /// Records one digest of all that is gathered for the sink, to be told to this sink alone: all or nothing. Returns its
    /// place; `None` where nothing is gathered. When this returns, the disk has it.
    pub(in crate::events) fn digest(&mut self, sink: &str, now: Timestamp) -> Result<Option<i64>, OutboxError> {
        self.write(Durability::Synced, |tx| {
            let Some(facts) = count(tx, sink)? else { return Ok(None) };
            let data = Subject { digest: Some(facts), ..Subject::of_no_camera() };
            let digest = Event { id: EventId::fresh(), kind: EventKind::Digest, time: now, data };
            let Some(seq) = insert(tx, &digest, &body(&digest)?, now)? else { return Ok(None) };
            address(tx, sink, seq, digest.lane(), State::Pending { held_until: None })?;
            tx.prepare_cached(
                "UPDATE deliveries INDEXED BY deliveries_gathered SET state = 'digested', digest = ?2
                 WHERE sink = ?1 AND state = 'gathered'",
            )?
            .execute(params![sink, seq])?;
            Ok(Some(seq))
        })
    }

    /// Deliveries that `told_lately` looks through at most, so that a start never takes long.
    const LOOKED_THROUGH: u32 = 100_000;

    /// The newest that the sink was told one by one within the `minute` before `now`, at most so many: cameras and when,
    /// the oldest first. What was recorded later than now, before the clock was set back, is left out.
    pub(in crate::events) fn told_lately(
        &self,
        sink: &str,
        (minute, now): (SignedDuration, Timestamp),
        at_most: usize,
    ) -> Result<Vec<(String, Timestamp)>, OutboxError> {
        let since = now.saturating_sub(minute).unwrap_or(Timestamp::MIN);
        let mut told = self.read(|conn| {
            let mut select = conn.prepare(
                "SELECT e.recorded_at, d.camera, d.state, e.kind FROM deliveries d CROSS JOIN events e USING (seq)
                 WHERE d.sink = ?1 ORDER BY d.seq DESC LIMIT ?2",
            )?;
            let mut rows = select.query(params![sink, Self::LOOKED_THROUGH])?;
            let mut told = Vec::new();
            while told.len() < at_most
                && let Some(row) = rows.next()?
            {
                let at = timestamp(row.get(0)?);
                if at <= since {
                    break;
                }
                if at > now {
                    continue;
                }
                let by_itself = !matches!(row.get_ref(2)?.as_str()?, "gathered" | "digested");
                let kind = kind(row.get_ref(3)?.as_str()?);
                if by_itself && !matches!(kind, Some(EventKind::Digest | EventKind::SnapshotStored)) {
                    told.push((row.get(1)?, at));
                }
            }
            Ok(told)
        })?;
        told.reverse();
        Ok(told)
    }
}

fn count(tx: &Transaction<'_>, sink: &str) -> rusqlite::Result<Option<DigestFacts>> {
    let mut select = tx.prepare_cached(
        "SELECT e.camera, e.kind, count(*) AS events, min(e.time), max(e.time)
         FROM deliveries d INDEXED BY deliveries_gathered CROSS JOIN events e USING (seq)
         WHERE d.sink = ?1 AND d.state = 'gathered'
         GROUP BY e.camera, e.kind ORDER BY events DESC, e.camera, e.kind",
    )?;
    let mut rows = select.query([sink])?;
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    let (mut events, mut groups, mut shown) = (0, Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let of_group = row.get::<_, i64>(2)?.unsigned_abs();
        events += of_group;
        first = first.min(row.get(3)?);
        last = last.max(row.get(4)?);
        let Some(kind) = kind(row.get_ref(1)?.as_str()?) else { continue };
        if groups.len() < DigestFacts::SHOWN {
            let camera = row.get_ref(0)?.as_str()?.parse().ok();
            groups.push(DigestGroup { camera, kind, events: of_group });
            shown += of_group;
        }
    }
    let facts = DigestFacts { from: timestamp(first), to: timestamp(last), events, groups, others: events - shown };
    Ok((events > 0).then_some(facts))
}
