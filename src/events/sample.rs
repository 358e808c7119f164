//! Events for tests.

use jiff::{Timestamp, ToSpan};

use super::{CameraRef, Event, EventKind, FrameFacts, ReasonFacts, Sighting, Subject, VisitFacts};
use crate::words::{EventId, Reason, Rect, VisitId};

/// Somebody came.
pub(crate) fn started(camera: &str) -> Event {
    at(camera, Timestamp::now())
}

/// Somebody came at `time`.
pub(crate) fn at(camera: &str, time: Timestamp) -> Event {
    let visit = VisitFacts { id: VisitId::fresh(), started_at: time - 1.second(), ended_at: None, peak_count: 1 };
    let area = Rect::from([0.25, 0.5, 0.125, 0.25]);
    let sighting = Sighting { score: 0.75, area, track: None };
    let frame = FrameFacts { captured_at: time, sequence: 7, width: 1280, height: 720 };
    let data = Subject {
        visit: Some(visit),
        label: Some("person".into()),
        count: Some(1),
        detections: vec![sighting],
        frame: Some(frame),
        latency_s: Some(0.5),
        ..bare(camera)
    };
    event(EventKind::VisitStarted, time, data)
}

/// They left: the end of the visit that `start` began.
pub(crate) fn ended(start: &Event) -> Event {
    let time = start.time + 9.seconds();
    let mut visit = start.data.visit.clone().expect("a visit's start");
    visit.ended_at = Some(time);
    let data = Subject { visit: Some(visit), zone: start.data.zone.clone(), ..bare(start.lane()) };
    event(EventKind::VisitEnded, time, data)
}

/// The camera has been gone since `since`.
pub(crate) fn down(camera: &str, since: Timestamp) -> Event {
    let reason = ReasonFacts { code: Reason::Unreachable, message: "no route".into() };
    let data = Subject { reason: Some(reason), down_since: Some(since), ..bare(camera) };
    event(EventKind::CameraDown, since + 1.minute(), data)
}

/// The camera is back.
pub(crate) fn up(camera: &str) -> Event {
    event(EventKind::CameraUp, Timestamp::now(), bare(camera))
}

fn event(kind: EventKind, time: Timestamp, data: Subject) -> Event {
    Event { id: EventId::fresh(), kind, time, data }
}

fn bare(camera: &str) -> Subject {
    let camera = CameraRef { id: camera.parse().expect("a camera id"), name: format!("The {camera}").into() };
    Subject::of(camera)
}
