use std::{sync::Arc, time::Duration};

use actix::{Message, Recipient};

use super::Frame;
use crate::words::{EventId, Moment};

/// An order for frames around a moment, closer together than the camera samples. The camera looks for one, in a `Latest`,
/// with every access unit that comes, and waits for nobody while it fills it. A newer order replaces one that was not taken yet;
/// of those that were, several are filled side by side.
#[derive(Debug, Clone)]
pub struct BurstOrder {
    /// The event that they belong to.
    pub event: EventId,
    /// How many.
    pub frames: u32,
    /// So many of them from before `around`, as far as the stream is still kept; the others come in their place.
    pub before: u32,
    /// The moment that they surround: there is a frame of it already.
    pub around: Moment,
    /// Time between them.
    pub every: Duration,
    /// Where they go.
    pub reply: Recipient<BurstFrame>,
}

/// Fact: a frame of a burst.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct BurstFrame {
    /// The event it belongs to.
    pub event: EventId,
    /// The frame.
    pub frame: Arc<Frame>,
}

impl BurstOrder {
    /// So much longer than its span an order may take, for the next key frame to come; then it is given up.
    pub const GRACE: Duration = Duration::from_secs(5);

    /// The time from its first frame to its last.
    pub fn span(&self) -> Duration {
        self.every.saturating_mul(self.frames.saturating_sub(1))
    }
}
