use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{Container, ContainerKind, Cue, Layout, Presenter, Seat};
use crate::media::Feed;

/// One who watches a camera: its stream, written into a container as fast as it is taken and no faster.
///
/// Who takes it too slowly goes on at the newest key frame; who has to do so again and again is sent away, as is who
/// watches a camera that shows nothing.
pub struct Viewer {
    presenter: Presenter,
    container: Box<dyn Container>,
    layout: Arc<Layout>,
    opening: Option<Cue>,
    skips: VecDeque<Instant>,
    skipped: u64,
    seat: Seat,
}

/// Why there is nothing to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The camera is no more, or everything ends.
    #[error("it has ended")]
    Ended,
    /// No key frame has come in time.
    #[error("no key frame came within {} s", .0.as_secs())]
    Nothing(Duration),
}

impl Viewer {
    /// A camera that shows nothing for so long is no longer watched: players then come back or say so.
    const PATIENCE: Duration = Duration::from_secs(30);
    /// Who is skipped forward so often ...
    pub(super) const MOST_SKIPS: usize = 6;
    /// ... within so long cannot keep up.
    pub(super) const SKIPS_WITHIN: Duration = Duration::from_secs(60);
    /// So much is handed over at once.
    const CHUNK: usize = 64 << 10;

    /// Begins to watch: waits for the first key frame, but no longer than `patience`.
    ///
    /// # Errors
    /// When none comes.
    pub async fn open(
        feed: &Arc<Feed>,
        kind: ContainerKind,
        mut seat: Seat,
        patience: Duration,
    ) -> Result<Self, Closed> {
        let mut presenter = Presenter::new(feed);
        let first = tokio::select! {
            first = timeout(patience, presenter.next()) => first.map_err(|_| Closed::Nothing(patience))?,
            () = seat.ending() => None,
        };
        let Some(opening @ Cue::Layout(_)) = first else { return Err(Closed::Ended) };
        let Cue::Layout(layout) = &opening else { unreachable!("it was just matched") };
        let layout = Arc::clone(layout);
        let (container, skips) = (kind.open(), VecDeque::new());
        Ok(Self { presenter, container, layout, opening: Some(opening), skips, skipped: 0, seat })
    }

    /// What players know the container by.
    pub fn content_type(&self) -> String {
        self.container.content_type(&self.layout)
    }

    /// The next bytes; none when it is over.
    pub async fn next(&mut self) -> Option<Bytes> {
        let mut out = Vec::with_capacity(Self::CHUNK / 4);
        // Not every cue is written at once, and an empty chunk would end the connection.
        while out.is_empty() {
            let first = match self.opening.take() {
                Some(opening) => opening,
                None => tokio::select! {
                    next = timeout(Self::PATIENCE, self.presenter.next()) => next.ok()??,
                    () = self.seat.ending() => return None,
                },
            };
            self.container.write(&first, &mut out);
            while out.len() < Self::CHUNK
                && let Some(cue) = self.presenter.take()
            {
                self.container.write(&cue, &mut out);
            }
        }
        if !self.keeps_up(Instant::now()) {
            self.seat.dropped();
            return None;
        }
        self.seat.sent(out.len());
        Some(out.into())
    }

    fn keeps_up(&mut self, now: Instant) -> bool {
        for _ in std::mem::replace(&mut self.skipped, self.presenter.skipped())..self.presenter.skipped() {
            self.skips.push_back(now);
        }
        while self.skips.front().is_some_and(|skip| now - *skip > Self::SKIPS_WITHIN) {
            self.skips.pop_front();
        }
        self.skips.len() < Self::MOST_SKIPS
    }
}
