use std::{collections::VecDeque, sync::Arc, thread::available_parallelism};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use jiff::Timestamp;

use super::{
    Encode, Evidence,
    group::Notes,
    spool::{Spool, SpoolError},
    uplink::Parcel,
};
use crate::{
    events::Shot,
    words::{EventId, panic_text},
};

/// Frames on their way into the spool: some are being encoded, the others wait, and their number is bounded.
#[derive(Default)]
pub(super) struct Encoding {
    waiting: VecDeque<Job>,
    busy: usize,
    /// It was full, and has not been empty since.
    overloaded: bool,
}

struct Job {
    notes: Arc<Notes>,
    n: u32,
    captured_at: Timestamp,
    shot: Shot,
}

/// Why a frame did not get into the spool.
#[derive(Debug, thiserror::Error)]
enum Unkept {
    #[error("the picture cannot be encoded: {0}")]
    Encoding(String),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl Encoding {
    /// Frames that wait.
    pub(super) const AT_MOST: usize = 64;
    /// Bytes of their pictures: ten of a 4K camera, nearly a hundred of one with 720 lines.
    const MAX_BYTES: usize = 128 << 20;

    fn has_room_for(&self, shot: &Shot) -> bool {
        let bytes: usize = self.waiting.iter().map(|job| job.shot.frame.picture.bytes()).sum();
        self.waiting.len() < Self::AT_MOST && bytes + shot.frame.picture.bytes() <= Self::MAX_BYTES
    }

    /// Frames that are not in the spool yet.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.busy
    }

    /// At once; they share the processor with the detectors.
    fn threads() -> usize {
        available_parallelism().map_or(2, |n| n.get().clamp(2, 4))
    }
}

impl Evidence {
    /// Takes a frame of `event` in hand, if there is room.
    pub(super) fn encode(&mut self, event: EventId, shot: Shot, ctx: &mut Context<Self>) {
        let Some((group, notes)) = self.groups.get_mut(&event) else { return };
        let captured_at = shot.frame.origin.captured.wall;
        let n = group.add(captured_at);
        if !self.encoding.has_room_for(&shot) {
            group.lost(n);
            self.board.evidence.dropped.one();
            if !std::mem::replace(&mut self.encoding.overloaded, true) {
                tracing::warn!(%event, n, "pictures are dropped: too many wait to be encoded");
            }
            return;
        }
        self.encoding.waiting.push_back(Job { notes: Arc::clone(notes), n, captured_at, shot });
        self.encode_next(ctx);
    }

    fn encode_next(&mut self, ctx: &mut Context<Self>) {
        while self.encoding.busy < Encoding::threads() {
            let Some(job) = self.encoding.waiting.pop_front() else {
                self.encoding.overloaded = false;
                return;
            };
            self.encoding.busy += 1;
            let (event, n) = (job.notes.event, job.n);
            let (encode, spool) = (Arc::clone(&self.encode), Arc::clone(&self.spool));
            let (annotate, quality) = (self.settings.annotate, self.settings.quality);
            let work = actix_rt::task::spawn_blocking(move || job.run(&*encode, annotate, quality, &spool));
            ctx.spawn(work.into_actor(self).map(move |kept, evidence, ctx| {
                let kept = kept.unwrap_or_else(|fault| {
                    let text = fault.try_into_panic().map_or_else(|_| "cancelled".to_owned(), |p| panic_text(&*p));
                    Err(Unkept::Encoding(text))
                });
                evidence.encoding.busy -= 1;
                evidence.kept(event, n, kept);
                evidence.encode_next(ctx);
                evidence.go_on(event, ctx);
            }));
        }
    }

    fn kept(&mut self, event: EventId, n: u32, kept: Result<(), Unkept>) {
        let Some((group, _)) = self.groups.get_mut(&event) else { return };
        let cell = &self.board.evidence;
        match kept {
            Ok(()) => {
                group.spooled(n);
                *cell.spool_fault.lock() = None;
                let urgent_until = std::time::Instant::now() + self.settings.deadline;
                self.uplink.add(Parcel::new(event, n, urgent_until));
            }
            Err(error) => {
                match &error {
                    Unkept::Encoding(_) => group.lost(n),
                    Unkept::Spool(_) => group.not_spooled(n),
                }
                cell.dropped.one();
                if cell.spool_fault.lock().replace(error.to_string()).is_none() {
                    tracing::error!(%event, n, %error, "pictures are dropped");
                }
            }
        }
    }
}

impl Job {
    fn run(self, encode: &Encode, annotate: bool, quality: u8, spool: &Spool) -> Result<(), Unkept> {
        let Shot { frame, detections } = &self.shot;
        let jpeg = encode(&frame.picture, detections, annotate, quality);
        let jpeg = jpeg.map_err(|error| Unkept::Encoding(error.to_string()))?;
        Ok(spool.keep(&self.notes, self.n, self.captured_at, &jpeg)?)
    }
}
