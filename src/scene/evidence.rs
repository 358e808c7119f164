use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use actix::Recipient;

use super::{Finding, Proof};
use crate::{
    events::{Event, EventKind, Record, Secure, Shot},
    media::{BurstFrame, BurstOrder, Frame, I420, Latest},
    settings,
    status::Picture,
    words::CameraId,
};

/// The room that keeps the pictures of events, as scenes know it.
#[derive(Clone)]
pub struct EvidenceRoom {
    /// Whom to give the pictures of an event.
    pub keep: Recipient<Secure>,
    /// Whom the camera gives the further frames of a burst.
    pub bursts: Recipient<BurstFrame>,
    /// An event waits so long for its pictures.
    pub hold: Duration,
}

/// Decodes a key frame by itself; `None` where that fails.
pub type Develop = fn(&[u8]) -> Option<I420>;

/// How a scene sends off its events with their pictures.
pub(super) struct Evidence {
    pub(super) room: EvidenceRoom,
    /// Where the camera's lives look for orders.
    pub(super) orders: Arc<Latest<BurstOrder>>,
    pub(super) develop: Develop,
}

/// An event, ready to be sent off.
pub(super) struct Dispatch {
    pub(super) record: Record,
    /// Its pictures, to be sent behind it.
    pub(super) secure: Option<Secure>,
    /// More of them, to be ordered behind that.
    pub(super) order: Option<BurstOrder>,
}

impl Dispatch {
    /// An event without pictures.
    pub(super) fn alone(event: Event) -> Self {
        Self { record: Record::now(event), secure: None, order: None }
    }
}

impl Evidence {
    /// Sends off an event with its pictures, as many as `wanted` says where a visit starts; alone where there are none.
    pub(super) fn dispatch(&self, camera: &CameraId, finding: Finding, wanted: &settings::Evidence) -> Dispatch {
        let Finding { event, proof } = finding;
        // While nobody would attach pictures to it, an event does not wait for any.
        let shot = proof.filter(|_| self.room.keep.connected()).and_then(|proof| self.shot(proof));
        let Some(shot) = shot else {
            return Dispatch::alone(event);
        };
        let order = (event.kind == EventKind::VisitStarted && wanted.frames > 1).then(|| BurstOrder {
            event: event.id,
            frames: wanted.frames - 1,
            before: wanted.before(),
            around: shot.frame.origin.captured,
            every: wanted.every,
            reply: self.room.bursts.clone(),
        });
        let secure = Secure {
            event: event.id,
            camera: camera.clone(),
            time: event.time,
            shots: vec![shot],
            awaited: order.as_ref().map_or(0, |order| order.frames),
            patience: order.as_ref().map_or(Duration::ZERO, |order| self.patience(order)),
        };
        // An alert does not wait for pictures that cannot be there in time: it is told at once, and they follow.
        let fits = order.as_ref().is_none_or(|order| self.fits(order));
        let held_for = if fits { self.room.hold } else { Duration::ZERO };
        Dispatch { record: Record { event, held_for: Some(held_for) }, secure: Some(secure), order }
    }

    /// Whether a burst leaves half of the hold for storing it.
    fn fits(&self, order: &BurstOrder) -> bool {
        order.span() <= self.room.hold / 2
    }

    /// How long frames are awaited. Where the event waits, a camera that does not give them leaves a fifth of the hold
    /// for storing what there is.
    fn patience(&self, order: &BurstOrder) -> Duration {
        let patience = order.span() + BurstOrder::GRACE;
        if self.fits(order) { patience.min(self.room.hold * 4 / 5) } else { patience }
    }

    fn shot(&self, proof: Proof) -> Option<Shot> {
        let Proof { origin, picture, detections } = proof;
        let frame = match picture {
            Picture::Decoded(frame) => frame,
            Picture::Coded(coded) => {
                // It was decoded before; a fault now costs this picture.
                let picture = catch_unwind(AssertUnwindSafe(|| (self.develop)(&coded))).ok().flatten()?;
                Arc::new(Frame { origin, picture, coded: Some(coded) })
            }
        };
        Some(Shot { frame, detections })
    }
}
