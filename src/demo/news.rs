//! What happens, as lines for people.

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use super::{receiver::Delivery, stage::Mishap};
use crate::{
    events::{Event, EventKind},
    status::{CameraCell, CameraState},
    words::{CameraId, Moment},
};

/// One thing that happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    at: Timestamp,
    camera: String,
    what: String,
}

impl News {
    /// Time of day, camera, what.
    pub(super) fn line(&self) -> String {
        let time = self.at.to_zoned(TimeZone::system()).strftime("%H:%M:%S");
        format!("{time}  {}: {}", self.camera, self.what)
    }

    /// What a delivery tells, and how it got there.
    pub(super) fn of_delivery(delivery: &Delivery) -> Self {
        let Delivery { event, arrived } = delivery;
        let mut what = told(event);
        if let Some(frame) = event.data.frame.as_ref().filter(|_| event.kind == EventKind::VisitStarted) {
            let late = Duration::try_from(arrived.duration_since(frame.captured_at)).unwrap_or_default();
            write!(what, ", reported {} ms after the frame", late.as_millis()).expect("a text can be written to");
        }
        what.push_str(", signature verified");
        Self { at: *arrived, camera: event.lane().to_owned(), what }
    }

    /// What was done to a camera on purpose.
    pub(super) fn of_mishap(mishap: &Mishap) -> Self {
        Self { at: Timestamp::now(), camera: mishap.camera.clone(), what: format!("{} ...", mishap.what) }
    }
}

fn told(event: &Event) -> String {
    let data = &event.data;
    let visit = data.visit.as_ref();
    match event.kind {
        EventKind::VisitStarted => {
            let score = data.detections.iter().map(|seen| seen.score).fold(0.0, f32::max);
            match data.count {
                Some(many) if many > 1 => format!("{many} people came (score up to {score:.2})"),
                _ => format!("a person came (score {score:.2})"),
            }
        }
        EventKind::VisitEnded => match visit.and_then(|visit| Some((visit, visit.ended_at?))) {
            Some((visit, end)) => {
                let lasted = end.duration_since(visit.started_at).as_secs_f64();
                format!("nobody is there any more, after {lasted:.1} s (at most {} at once)", visit.peak_count)
            }
            None => "nobody is there any more".to_owned(),
        },
        EventKind::CameraDown => match &data.reason {
            Some(reason) => format!("reported down: {}", reason.message),
            None => "reported down".to_owned(),
        },
        EventKind::CameraUp => "reported up again".to_owned(),
        EventKind::SnapshotStored => "the pictures of a visit are stored".to_owned(),
        EventKind::Digest => {
            let events = data.digest.as_ref().map_or(0, |digest| digest.events);
            format!("{events} events at once, told as one digest")
        }
    }
}

/// What was last seen of the cameras' states, to tell what changed.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: BTreeMap<CameraId, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    streaming: bool,
    /// Since when it has not been, once it was.
    lost: Option<Moment>,
}

impl Watch {
    /// What changed since the last look.
    pub(super) fn look(&mut self, cameras: &[Arc<CameraCell>], now: Moment) -> Vec<News> {
        cameras.iter().filter_map(|cell| self.look_at(cell, now)).collect()
    }

    fn look_at(&mut self, cell: &CameraCell, now: Moment) -> Option<News> {
        let seen = self.seen.entry(cell.id.clone()).or_default();
        let view = cell.state();
        let streaming = view.state == CameraState::Streaming;
        let what = match (view.state, view.reason) {
            // It is lost when there is a reason for it: a life between has none yet.
            (CameraState::Waiting | CameraState::Failed, Some(reason)) if seen.streaming => {
                seen.streaming = false;
                seen.lost = Some(now);
                let again = view.next_attempt_at.map(|at| at.duration_since(now.wall).as_secs_f64().max(0.0));
                let again = again.map(|s| format!("; next attempt in {s:.1} s")).unwrap_or_default();
                format!("lost ({}): {}{again}", reason.code, reason.message)
            }
            _ if streaming && !seen.streaming => {
                seen.streaming = true;
                match seen.lost.take() {
                    Some(lost) => format!("streams again, {:.1} s later", now.since(&lost).as_secs_f64()),
                    None => {
                        let size = cell.stream().map(|s| format!(", {}x{}", s.width, s.height)).unwrap_or_default();
                        format!("streams{size}")
                    }
                }
            }
            _ => return None,
        };
        Some(News { at: now.wall, camera: cell.id.to_string(), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{events::sample, words::Reason};

    #[test]
    fn a_visit_is_told_with_its_score_and_how_long_it_took() {
        let event = sample::started("door");
        let frame = event.data.frame.as_ref().expect("a frame").captured_at;
        let arrived = frame + jiff::SignedDuration::from_millis(143);
        let news = News::of_delivery(&Delivery { event, arrived });
        assert_eq!(news.what, "a person came (score 0.75), reported 143 ms after the frame, signature verified");
        assert!(news.line().ends_with(&format!("  door: {}", news.what)), "{}", news.line());
    }

    #[test]
    fn a_clock_that_was_set_back_does_no_harm() {
        let event = sample::started("door");
        let arrived = event.data.frame.as_ref().expect("a frame").captured_at - jiff::SignedDuration::from_hours(1);
        let news = News::of_delivery(&Delivery { event, arrived });
        assert!(news.what.contains("reported 0 ms"), "{}", news.what);
    }

    #[test]
    fn a_camera_is_told_when_it_comes_goes_and_comes_back() {
        let cell = Arc::new(CameraCell::new("yard".parse().expect("an id"), "yard".into(), String::new()));
        let mut watch = Watch::default();
        let start = Moment::now();
        let mut look = |ms: u64| {
            let news = watch.look(&[Arc::clone(&cell)], start.after(Duration::from_millis(ms)));
            news.into_iter().map(|news| news.what).collect::<Vec<_>>()
        };
        let quiet = Vec::<String>::new();
        cell.enter(CameraState::Connecting, None, None);
        assert_eq!(look(0), quiet);
        cell.enter(CameraState::Streaming, None, None);
        assert_eq!(look(100), ["streams"]);
        assert_eq!(look(200), quiet);
        let again = start.after(Duration::from_millis(1300)).wall;
        cell.enter(CameraState::Waiting, Some((Reason::Stalled, "no frame for 3 s".into())), Some(again));
        assert_eq!(look(300), ["lost (stalled): no frame for 3 s; next attempt in 1.0 s"]);
        assert_eq!(look(400), quiet);
        cell.enter(CameraState::Connecting, None, None);
        assert_eq!(look(1300), quiet);
        cell.enter(CameraState::Streaming, None, None);
        assert_eq!(look(1500), ["streams again, 1.2 s later"]);
    }
}
