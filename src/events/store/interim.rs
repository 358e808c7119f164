use super::{OutboxError, Reader, Store};
use crate::{events::Event, words::EventId};

impl Reader {
    /// Interim.
    pub fn after(&self, seq: i64, limit: usize) -> Result<Vec<(i64, Event)>, OutboxError> {
        let mut s = self.conn.prepare_cached("SELECT seq, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2").map_err(|e| OutboxError::from_sqlite(&self.file, e))?;
        let rows = s.query_map(rusqlite::params![seq, limit as i64], |r| Ok((r.get(0)?, r.get::<_, String>(1)?))).map_err(|e| OutboxError::from_sqlite(&self.file, e))?;
        Ok(rows.filter_map(Result::ok).filter_map(|(s, b)| Some((s, serde_json::from_str(&b).ok()?))).collect())
    }
    /// Interim.
    pub fn seq_of(&self, id: EventId) -> Result<Option<i64>, OutboxError> {
        use rusqlite::OptionalExtension;
        self.conn.query_row("SELECT seq FROM events WHERE id = ?1", [id.to_string()], |r| r.get(0)).optional().map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }
    /// Interim.
    pub fn newest_seq(&self) -> Result<i64, OutboxError> {
        self.conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |r| r.get(0)).map_err(|e| OutboxError::from_sqlite(&self.file, e))
    }
}
impl Store {}
