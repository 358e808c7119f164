//! Events as they are recorded, told over HTTP for as long as somebody listens (server-sent events).
//!
//! A stream holds a place in the order of recording and nothing else. Whenever its listener has taken what it was given,
//! it reads on in the database, so a slow listener costs no memory and no other listener any time. It waits for no
//! pictures: it could only wait with everything that was recorded after.

mod format;
mod tail;

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::Stream;
pub(in crate::http) use tail::{Filter, Resume, Tail};
use tokio::{sync::watch, time::Instant};

use super::Problem;
use crate::{
    events::Readers,
    live::{Audience, Full, Seat},
    status::AudienceCell,
};

/// The streams of events: how many there may be, and their end.
#[derive(Debug)]
pub struct Streams {
    terms: StreamTerms,
    audience: Audience,
    cell: Arc<AudienceCell>,
}

/// What streams keep to.
#[derive(Debug, Clone, Copy)]
pub struct StreamTerms {
    /// So many at once.
    pub at_most: usize,
    /// After so long without an event a listener is told that the stream lives.
    pub heartbeat: Duration,
    /// A connection of which the other side takes nothing for so long is cut.
    pub patience: Duration,
}

impl Default for StreamTerms {
    fn default() -> Self {
        Self { at_most: 64, heartbeat: Duration::from_secs(15), patience: Duration::from_secs(60) }
    }
}

/// After a look that found the end of the events, the next comes no sooner: in a storm, 64 streams must not look after
/// every single event.
const PACE: Duration = Duration::from_millis(50);

impl Streams {
    /// No stream yet.
    pub fn new(terms: StreamTerms) -> Self {
        let cell = Arc::default();
        Self { terms, audience: Audience::new(terms.at_most, Arc::clone(&cell)), cell }
    }

    /// Ends every stream once it has told what is recorded by now; no further one begins.
    pub fn end(&self) {
        self.audience.end();
    }

    /// How many there may be.
    pub(in crate::http) fn at_most(&self) -> usize {
        self.terms.at_most
    }

    /// How many there are.
    pub fn open(&self) -> i64 {
        self.cell.present.get()
    }

    /// Bytes handed to connections since the start.
    pub fn told(&self) -> u64 {
        self.cell.sent.get()
    }

    pub(in crate::http) fn patience(&self) -> Duration {
        self.terms.patience
    }

    /// A place among the streams.
    pub(in crate::http) fn enter(&self, who: Option<&Arc<str>>) -> Result<Place, Problem> {
        let seat = self.audience.enter(who).map_err(|full| match full {
            Full::Ending => Problem::unavailable("ending"),
            Full::Share { share, .. } => Problem::unavailable(format!(
                "{share} streams of events are open for you; more are not held for one user or token"
            )),
            Full::Taken { at_most } => {
                Problem::unavailable(format!("{at_most} streams of events are open; more are not held at once"))
            }
        })?;
        Ok(Place { seat, heartbeat: self.terms.heartbeat })
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self::new(StreamTerms::default())
    }
}

/// A place among the streams, free again when it is dropped.
pub(in crate::http) struct Place {
    seat: Seat,
    heartbeat: Duration,
}

/// The body of a stream, from its `opening` on. `newest` moves whenever something was recorded; it was subscribed to
/// before `tail` was opened.
pub(in crate::http) fn follow(
    place: Place,
    events: Arc<Readers>,
    newest: watch::Receiver<i64>,
    (tail, opening): (Tail, Vec<u8>),
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let now = Instant::now();
    let follower =
        Follower { events, newest, tail, opening, behind: true, ended: false, looked_at: now, told_at: now, place };
    futures::stream::unfold(follower, |follower| async { follower.next().await.map(|(text, it)| (Ok(text), it)) })
}

struct Follower {
    events: Arc<Readers>,
    newest: watch::Receiver<i64>,
    tail: Tail,
    opening: Vec<u8>,
    /// There may be events that were not looked at.
    behind: bool,
    ended: bool,
    looked_at: Instant,
    told_at: Instant,
    place: Place,
}

impl Follower {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if !self.opening.is_empty() {
            let opening = std::mem::take(&mut self.opening);
            return Some(self.tell(opening));
        }
        loop {
            if self.behind {
                let (text, it) = self.look().await?;
                self = it;
                if !text.is_empty() {
                    return Some(self.tell(text));
                }
                continue;
            }
            if self.ended {
                return None;
            }
            tokio::select! {
                recorded = self.newest.changed() => {
                    self.ended |= recorded.is_err(); // nobody records any more
                    tokio::time::sleep_until(self.looked_at + PACE).await;
                }
                () = self.place.seat.ending() => self.ended = true,
                () = tokio::time::sleep_until(self.told_at + self.place.heartbeat) => {
                    let heartbeat = self.tail.heartbeat();
                    return Some(self.tell(heartbeat));
                }
            }
            self.behind = true;
        }
    }

    /// Nothing if the events cannot be read: the stream ends, and its listener comes back.
    async fn look(mut self) -> Option<(Vec<u8>, Self)> {
        let mut tail = self.tail;
        let looked = self.events.ask(move |events| {
            let read = tail.read(events)?;
            let more = read.is_full();
            Ok((tail.tell(read), more, tail))
        });
        match looked.await {
            Ok((text, more, tail)) => {
                (self.tail, self.behind, self.looked_at) = (tail, more, Instant::now());
                Some((text, self))
            }
            Err(error) => {
                tracing::warn!(%error, "a stream of events ends: they cannot be read");
                None
            }
        }
    }

    fn tell(mut self, text: Vec<u8>) -> (Bytes, Self) {
        self.told_at = Instant::now();
        self.place.seat.sent(text.len());
        (text.into(), self)
    }
}
