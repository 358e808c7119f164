use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    /// Changes it by `by`.
    pub fn add(&self, by: i64) {
        self.0.fetch_add(by, Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// Why an access unit was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// No sample was due.
    NotDue,
    /// No other picture refers to it, and no sample needed it.
    Disposable,
    /// After loss or a decode error, until the next key frame.
    AwaitingKeyFrame,
    /// A newer key frame had arrived already, or too much was waiting.
    Lagging,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::NotDue, Self::Disposable, Self::AwaitingKeyFrame, Self::Lagging];

    /// Its name in status and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotDue => "not_due",
            Self::Disposable => "disposable",
            Self::AwaitingKeyFrame => "awaiting_key_frame",
            Self::Lagging => "lagging",
        }
    }
}

/// The account of a camera's frames: received = decoded + skipped + failed (+ what waits in the backlog),
/// published = detected + superseded + in flight.
#[derive(Debug, Default)]
pub struct FrameCounters {
    /// Access units from the camera.
    pub received: Counter,
    /// Given to the decoder, which took them.
    pub decoded: Counter,
    skipped: [Counter; 4],
    /// Given to the decoder, which refused them.
    pub failed: Counter,
    /// Frames put up for detection.
    pub published: Counter,
    /// Frames that a newer one replaced before a detector came to them.
    pub superseded: Counter,
    /// Frames that were looked at.
    pub detected: Counter,
    /// Packets known to be lost on the way.
    pub lost_packets: Counter,
}

impl FrameCounters {
    /// The counter of units skipped for `reason`.
    pub fn skipped(&self, reason: SkipReason) -> &Counter {
        &self.skipped[reason as usize]
    }
}
