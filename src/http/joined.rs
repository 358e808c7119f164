//! What the HTTP side is joined to.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{Semaphore, watch};

use super::{
    Streams,
    answers::{Look, Reloaded},
};
use crate::{
    access::Gate,
    events::{Event, Readers},
    live::Audience,
    roster::{Done, Entry, Order, Origin, Refusal},
    status::{Board, LastSeen},
    words::{EventId, Reason},
};

/// What the HTTP side is joined to.
#[derive(Clone)]
pub struct Views {
    /// Where everything's status is shown.
    pub board: Arc<Board>,
    /// The events that were written down.
    pub events: Arc<Readers>,
    /// The same for those who follow them as they come: no listing holds these up.
    pub followed: Arc<Readers>,
    /// The CloudEvents `source` of all events.
    pub source: Arc<str>,
    /// The streams of events; ended by who ends the server.
    pub streams: Arc<Streams>,
    /// Those who watch live; ended by who ends the server.
    pub audience: Arc<Audience>,
    /// Tries dead letters anew.
    pub deliveries: Arc<dyn Deliveries>,
    /// Where the pictures of events are.
    pub pictures: Arc<dyn Pictures>,
    /// How many of them are fetched at once: each is in memory as a whole.
    pub pictures_at_once: Arc<Semaphore>,
    /// Reads the settings anew.
    pub reload: Arc<dyn Reload>,
    /// Adds, changes, starts and stops cameras.
    pub control: Arc<dyn Control>,
    /// Looks at cameras that are not watched yet.
    pub probe: Arc<dyn Probe>,
    /// Makes pictures of the newest frames.
    pub still: Arc<dyn Still>,
    /// How many pictures are made at once: each takes a decoder.
    pub stills_at_once: Arc<Semaphore>,
    /// Whether everything runs: until then no camera is known, and whoever asks waits.
    pub begun: watch::Receiver<bool>,
    /// Who may ask.
    pub gate: Arc<Gate>,
    /// How many passwords are looked at at once: each takes a core and some memory for a while.
    pub logins_at_once: Arc<Semaphore>,
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
    /// What changed, or why nothing was.
    fn reload(self: Arc<Self>) -> BoxFuture<'static, Result<Reloaded, NotReloaded>>;
}

/// Why the settings were not read anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReloaded {
    /// Everything that is wrong with the file, for people. Nothing was changed.
    #[error("{0}")]
    Settings(String),
    /// The settings are not to blame.
    #[error("{0}")]
    NotNow(&'static str),
}

/// Adds, changes, starts and stops cameras.
pub trait Control: Send + Sync {
    /// Carries out an order; when it is done, the board shows it.
    fn carry_out(self: Arc<Self>, order: Order) -> BoxFuture<'static, Result<Done, Refusal>>;

    /// Where a camera comes from.
    fn origin(&self, id: &str) -> Option<Origin>;

    /// What is written of a camera.
    fn entry(&self, id: &str) -> Option<Entry>;
}

/// Looks at a camera that is not watched yet.
pub trait Probe: Send + Sync {
    /// What the camera that is written there sends, or why it cannot be watched.
    fn probe(self: Arc<Self>, written: serde_json::Value) -> BoxFuture<'static, Result<Look, Unseen>>;
}

/// Why a camera that was probed shows nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unseen {
    /// What is written of it is wrong, or not allowed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The camera has a fault.
    #[error("{message}")]
    Fault {
        /// Its name.
        code: Reason,
        /// What happened and what to do.
        message: String,
    },
}

/// Makes a JPEG of a picture in whatever form it is kept; may block.
pub trait Still: Send + Sync {
    /// The JPEG, with boxes drawn if wanted.
    ///
    /// # Errors
    /// Why there is none, for people.
    fn jpeg(&self, seen: &LastSeen, annotate: bool) -> Result<Vec<u8>, String>;
}
