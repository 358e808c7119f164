use parking_lot::Mutex;

use super::{Counter, Gauge, Latency};

/// The state of the pictures of events.
#[derive(Debug, Default)]
pub struct EvidenceCell {
    /// Where they go, without secrets; none while none are kept.
    pub target: Mutex<Option<String>>,
    /// Frames on their way into the spool.
    pub encoding: Gauge,
    /// Pictures in the spool that wait for an attempt.
    pub waiting: Gauge,
    /// Pictures being stored.
    pub in_flight: Gauge,
    /// Events that have not all of their pictures yet.
    pub events: Gauge,
    /// Bytes of the spool.
    pub spool_bytes: Gauge,
    /// Pictures stored.
    pub stored: Counter,
    /// Their bytes.
    pub stored_bytes: Counter,
    /// Attempts to store one that failed.
    pub failures: Counter,
    /// Pictures that the store refused too often.
    pub given_up: Counter,
    /// Frames that did not get into the spool: too many, it was full, or they came too late.
    pub dropped: Counter,
    /// What an earlier process left in the spool and cannot be read.
    pub set_aside: Counter,
    /// Time to store one picture.
    pub upload: Latency,
    /// Why pictures are not stored, while that is so.
    pub fault: Mutex<Option<String>>,
    /// Why pictures do not get into the spool, while that is so.
    pub spool_fault: Mutex<Option<String>>,
}
