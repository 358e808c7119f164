use std::{fmt, sync::Arc};

use jiff::Timestamp;
use uuid::Uuid;

use super::availability::Outage;
use crate::{
    events::{
        CameraRef, Event, EventKind, FrameFacts, OpenVisit, ReasonFacts, Sighting, Subject, Unfinished, VisitFacts,
    },
    media::Detected,
    words::{EventId, Moment, VisitId},
};

/// Where the ids of events and visits come from: a replay or a test may choose them.
#[derive(Clone)]
pub struct IdSource(Arc<dyn Fn() -> Uuid + Send + Sync>);

impl IdSource {
    /// Ids from `next`, which must not give one twice.
    pub fn new(next: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }

    pub(super) fn visit(&self) -> VisitId {
        VisitId((self.0)())
    }
}

impl Default for IdSource {
    /// Fresh, time-ordered ids.
    fn default() -> Self {
        Self::new(|| EventId::fresh().0)
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdSource")
    }
}

/// The ends of visits whose cameras are in the settings no more: nobody will see them end.
pub fn conclude(unfinished: Unfinished) -> Vec<Event> {
    let end = |open: OpenVisit| {
        let camera = CameraRef { name: open.camera.as_str().into(), id: open.camera };
        let visit = VisitFacts { ended_at: Some(open.visit.started_at), ..open.visit };
        Reporter { camera, ids: IdSource::default() }.ended(visit, open.zone, open.label, None)
    };
    unfinished.visits.into_iter().map(end).collect()
}

/// The sample that decided: its frame and who is in the area.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    pub(super) detected: &'a Detected,
    pub(super) inside: Vec<Sighting>,
}

/// An event shows at most so many of the people it counts, the first ones: that bounds its size.
const SHOWN: usize = 100;

/// Puts facts into the words of events.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    pub(super) camera: CameraRef,
    pub(super) ids: IdSource,
}

impl Reporter {
    /// A visit started.
    pub(super) fn started(
        &self,
        visit: VisitFacts,
        zone: Option<Arc<str>>,
        label: Arc<str>,
        decision: Decision<'_>,
    ) -> Event {
        let time = visit.started_at;
        self.event(EventKind::VisitStarted, time, |subject| {
            subject.visit = Some(visit);
            subject.zone = zone;
            subject.label = Some(label);
            decided(subject, decision);
        })
    }

    /// A visit ended: by a sample that saw nobody, or, without one, because nothing could be seen for too long.
    pub(super) fn ended(
        &self,
        visit: VisitFacts,
        zone: Option<Arc<str>>,
        label: Option<Arc<str>>,
        decision: Option<Decision<'_>>,
    ) -> Event {
        let time = visit.ended_at.unwrap_or(visit.started_at);
        self.event(EventKind::VisitEnded, time, |subject| {
            subject.visit = Some(visit);
            subject.zone = zone;
            subject.label = label;
            if let Some(decision) = decision {
                decided(subject, decision);
            }
        })
    }

    /// The camera is down.
    pub(super) fn down(&self, outage: Outage, now: Moment) -> Event {
        self.event(EventKind::CameraDown, now.wall, |subject| {
            subject.down_since = Some(outage.since.wall);
            subject.reason = Some(ReasonFacts { code: outage.reason, message: outage.message });
        })
    }

    /// The camera is back.
    pub(super) fn up(&self, down_since: Timestamp, at: Moment) -> Event {
        self.event(EventKind::CameraUp, at.wall, |subject| {
            subject.down_since = Some(down_since);
        })
    }

    fn event(&self, kind: EventKind, time: Timestamp, fill: impl FnOnce(&mut Subject)) -> Event {
        let mut data = Subject::of(self.camera.clone());
        fill(&mut data);
        Event { id: EventId((self.ids.0)()), kind, time, data }
    }
}

fn decided(subject: &mut Subject, decision: Decision<'_>) {
    let Decision { detected, mut inside } = decision;
    let (origin, picture) = (&detected.frame.origin, &detected.frame.picture);
    subject.count = Some(u32::try_from(inside.len()).unwrap_or(u32::MAX));
    inside.truncate(SHOWN);
    subject.detections = inside;
    subject.frame = Some(FrameFacts {
        captured_at: origin.captured.wall,
        sequence: origin.sequence,
        width: picture.width(),
        height: picture.height(),
    });
    subject.latency_s = Some(detected.at.since(&origin.captured).as_secs_f64());
}
