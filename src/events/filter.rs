use jiff::Timestamp;

use super::{Event, EventKind};
use crate::settings::Filter;

/// Whether a sink with this filter is told of the event.
///
/// What concerns no single camera, zone or label passes these lists. The time of the week is judged by the start of what
/// is told, so that whoever was told of a start is told of its end. A digest always passes: it is made for its sink.
pub(super) fn admits(filter: &Filter, event: &Event) -> bool {
    if event.kind == EventKind::Digest {
        return true;
    }
    let facts = &event.data;
    passes(&filter.cameras, event.camera())
        && passes(&filter.zones, facts.zone.as_ref())
        && passes(&filter.types, Some(&event.kind))
        && passes(&filter.labels, facts.label.as_ref())
        && filter.when.as_ref().is_none_or(|week| week.covers(begun_at(event)))
}

fn passes<T: PartialEq>(wanted: &[T], concerned: Option<&T>) -> bool {
    wanted.is_empty() || concerned.is_none_or(|it| wanted.contains(it))
}

/// When that began which the event tells of.
fn begun_at(event: &Event) -> Timestamp {
    let visit = event.data.visit.as_ref().map(|visit| visit.started_at);
    visit.or(event.data.down_since).unwrap_or(event.time)
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, tz::TimeZone};

    use super::*;
    use crate::{
        events::{Subject, sample},
        words::{EventId, Weekly, WeeklySpan},
    };

    fn at(time: &str) -> Timestamp {
        time.parse().expect("a time")
    }

    fn in_zone(zone: &str) -> Event {
        let mut event = sample::started("door");
        event.data.zone = Some(zone.into());
        event
    }

    #[test]
    fn each_list_lets_through_what_it_names_and_what_concerns_none_of_its_kind() {
        let all = Filter::default();
        let event = in_zone("step");
        let [camera, other] = ["door", "yard"].map(|id| id.parse().expect("an id"));
        let admitted = [
            (all.clone(), true),
            (Filter { cameras: vec![camera], ..all.clone() }, true),
            (Filter { cameras: vec![other], ..all.clone() }, false),
            (Filter { zones: vec!["gate".into(), "step".into()], ..all.clone() }, true),
            (Filter { zones: vec!["gate".into()], ..all.clone() }, false),
            (Filter { types: vec![EventKind::VisitStarted], ..all.clone() }, true),
            (Filter { types: vec![EventKind::CameraDown], ..all.clone() }, false),
            (Filter { labels: vec!["person".into()], ..all.clone() }, true),
            (Filter { labels: vec!["dog".into()], ..all.clone() }, false),
        ];
        for (filter, expected) in admitted {
            assert_eq!(admits(&filter, &event), expected, "{filter:?}");
        }
        let picky = Filter { zones: vec!["gate".into()], labels: vec!["dog".into()], ..all.clone() };
        assert!(admits(&picky, &sample::up("door")), "a camera that is back concerns no zone and no label");
        let nothing = Filter { types: vec![EventKind::CameraUp], cameras: vec!["x".parse().expect("an id")], ..picky };
        let digest = Event {
            id: EventId::fresh(),
            kind: EventKind::Digest,
            time: Timestamp::now(),
            data: Subject::of_no_camera(),
        };
        assert!(admits(&nothing, &digest));
    }

    #[test]
    fn an_end_follows_its_start_past_the_end_of_the_hours() {
        let span = WeeklySpan { days: [true; 7], from: 22 * 60, to: 6 * 60 };
        let night = Filter { when: Some(Weekly { zone: TimeZone::UTC, spans: vec![span] }), ..Filter::default() };
        let start = sample::at("door", at("2026-05-01T05:59:59Z"));
        let mut end = sample::ended(&start);
        end.time = at("2026-05-01T07:00:00Z");
        assert!(admits(&night, &start) && admits(&night, &end));
        let early = sample::at("door", at("2026-05-01T21:59:59Z"));
        let mut end = sample::ended(&early);
        end.time = at("2026-05-01T23:00:00Z");
        assert!(!admits(&night, &early) && !admits(&night, &end));

        let since = at("2026-05-01T05:59:30Z");
        let mut up = sample::up("door");
        (up.time, up.data.down_since) = (since + 1.hour(), Some(since));
        assert!(admits(&night, &sample::down("door", since)), "reported a minute later, after the hours");
        assert!(admits(&night, &up));
        up.data.down_since = None;
        assert!(!admits(&night, &up), "by its own time, where nothing else is known");
    }
}
