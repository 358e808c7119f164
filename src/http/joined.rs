//! What the HTTP side is joined to.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::Streams;
use crate::{
    events::{Event, Reader},
    settings::Auth,
    status::{Board, LastSeen},
    words::EventId,
};

/// What the HTTP side is joined to.
#[derive(Clone)]
pub struct Views {
    /// Where everything's status is shown.
    pub board: Arc<Board>,
    /// The events that were written down.
    pub events: Arc<Mutex<Reader>>,
    /// The CloudEvents `source` of all events.
    pub source: Arc<str>,
    /// The streams of events; ended by who ends the server.
    pub streams: Arc<Streams>,
    /// Tries dead letters anew.
    pub deliveries: Arc<dyn Deliveries>,
    /// Where the pictures of events are.
    pub pictures: Arc<dyn Pictures>,
    /// How many of them are fetched at once: each is in memory as a whole.
    pub pictures_at_once: Arc<Semaphore>,
    /// Reads the settings anew.
    pub reload: Arc<dyn Reload>,
    /// Makes pictures of the newest frames.
    pub still: Arc<dyn Still>,
    /// How many pictures are made at once: each takes a decoder.
    pub stills_at_once: Arc<Semaphore>,
    /// Who may ask.
    pub auth: Arc<Auth>,
}

/// Tries deliveries anew that were given up.
pub trait Deliveries: Send + Sync {
    /// How many dead letters are tried anew: of one sink or all, of one event or all; or why that cannot be, for people.
    fn retry(
        self: Arc<Self>,
        sink: Option<Arc<str>>,
        event: Option<EventId>,
    ) -> BoxFuture<'static, Result<usize, String>>;
}

/// Has the pictures of events.
pub trait Pictures: Send + Sync {
    /// The JPEG number `n` of an event, counted from 0 in the order of capture; none where there is none (any more, or
    /// yet); or why it cannot be had now, for people and without secrets.
    fn picture(self: Arc<Self>, event: Event, n: usize) -> BoxFuture<'static, Result<Option<Bytes>, String>>;
}

/// Reads the settings anew and applies them.
pub trait Reload: Send + Sync {
    /// What changed; or everything that is wrong with the file, for people, and then nothing was changed.
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<serde_json::Value, String>>;
}

/// Makes a JPEG of a picture in whatever form it is kept; may block.
pub trait Still: Send + Sync {
    /// The JPEG, with boxes drawn if wanted.
    ///
    /// # Errors
    /// Why there is none, for people.
    fn jpeg(&self, seen: &LastSeen, annotate: bool) -> Result<Vec<u8>, String>;
}
