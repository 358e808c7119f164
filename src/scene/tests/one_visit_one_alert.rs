use super::*;
use crate::events::{EventKind, OpenVisit, Unfinished, VisitFacts};

#[test]
fn a_visit_is_told_when_it_starts_and_when_it_ends() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..3, &[]);
    story.see_each_second(3..5, &[0.4]);
    story.see_each_second(5..8, &[0.4, 0.6]);
    story.see_each_second(8..20, &[]);
    assert_eq!(story.lines(), ["visit.started - 3", "visit.ended - 3-7"]);

    let [started, ended] = &story.told[..] else { panic!("two events") };
    let data = &started.data;
    assert_eq!((data.count, data.label.as_deref()), (Some(1), Some("person")));
    assert_eq!(data.detections.len(), 1);
    assert_eq!(data.detections[0].area, person(0.4).area);
    assert_eq!(data.latency_s, Some(0.5));
    let frame = data.frame.as_ref().expect("the frame that decided");
    assert_eq!((frame.sequence, frame.width, frame.height), (7, 4, 2));
    assert_eq!(frame.captured_at, story.at(4.0).wall, "the second hit");
    let (from, to) = (data.visit.as_ref(), ended.data.visit.as_ref());
    assert_eq!(from.map(|v| v.id), to.map(|v| v.id));
    assert_eq!(to.map(|v| v.peak_count), Some(2));
    assert_eq!((ended.data.count, ended.data.label.as_deref()), (Some(0), Some("person")));
    assert_eq!(ended.data.frame.as_ref().map(|f| f.captured_at), Some(story.at(17.0).wall));
    assert_ne!(started.id, ended.id);
}

#[test]
fn each_zone_has_visits_and_a_count_of_its_own() {
    let mut settings = camera();
    settings.zones = vec![zone("gate", 0.0, 0.3), zone("yard", 0.5, 0.9)];
    let mut story = Story::of(&settings);
    story.see_each_second(0..3, &[0.4, 0.95]);
    assert_eq!((story.told.len(), story.core.people()), (0, 0), "in no zone");
    story.see_each_second(3..6, &[0.1, 0.2, 0.4]);
    assert_eq!(story.core.people(), 2);
    story.see_each_second(6..20, &[0.7, 0.4]);
    story.see_each_second(20..40, &[]);
    assert_eq!(
        story.lines(),
        ["visit.started gate 3", "visit.started yard 6", "visit.ended gate 3-5", "visit.ended yard 6-19",]
    );
    assert_eq!(story.told[0].data.count, Some(2));
    assert_eq!(story.told[0].data.detections.len(), 2);
    assert_eq!(story.told[1].data.count, Some(1));
}

#[test]
fn a_dog_that_is_there_hides_nobody() {
    let mut story = Story::of(&camera());
    let dog = || Detection { label: "dog".into(), score: 0.95, ..person(0.3) };
    story.show_each_second(0..5, &[dog()]);
    story.show_each_second(5..10, &[dog(), person(0.6)]);
    story.show_each_second(10..30, &[dog()]);
    story.show_each_second(30..50, &[]);
    let told: Vec<_> = story.told.iter().map(|event| (event.kind, event.data.label.as_deref())).collect();
    let (started, ended) = (EventKind::VisitStarted, EventKind::VisitEnded);
    let [dog, person] = [Some("dog"), Some("person")];
    assert_eq!(told, [(started, dog), (started, person), (ended, person), (ended, dog)]);
    assert_eq!(story.told[1].data.count, Some(1), "of this kind");
    assert_eq!((story.told[1].data.detections.len(), story.told[1].data.detections[0].score), (1, 0.8));
}

#[test]
fn an_event_counts_everybody_and_shows_a_bounded_number() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..2, &[0.5; 300]);
    assert_eq!(story.told[0].data.count, Some(300));
    assert_eq!(story.told[0].data.detections.len(), 100);
}

#[test]
fn a_visit_never_ends_before_it_starts_even_where_the_wall_clock_is_set_back() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..2, &[0.5]);
    let hour = std::time::Duration::from_secs(3600);
    story.start.wall -= hour;
    story.see_each_second(2..4, &[0.5]);
    story.see_each_second(4..20, &[]);
    let visit = story.told[1].data.visit.as_ref().expect("a visit");
    assert_eq!(visit.ended_at, Some(visit.started_at));
}

#[test]
fn a_failed_detection_neither_starts_nor_ends() {
    let mut story = Story::of(&camera());
    story.see(0.0, &[0.5]);
    (1..5).for_each(|s| story.fail(f64::from(s)));
    assert_eq!(story.lines(), [""; 0]);
    story.see(5.0, &[0.5]);
    (6..40).for_each(|s| story.fail(f64::from(s)));
    assert_eq!(story.lines(), ["visit.started - 0"]);
    // A detector that fails for longer than a camera may be gone is as blind.
    (40..140).for_each(|s| story.fail(f64::from(s)));
    assert_eq!(story.lines(), ["visit.started - 0", "visit.ended - 0-5"]);
}

#[test]
fn late_samples_are_ignored() {
    let mut story = Story::of(&camera());
    story.see(5.0, &[]);
    story.see(3.0, &[0.5]);
    story.see(4.0, &[0.5]);
    assert_eq!(story.told.len(), 0);
    story.see(6.0, &[0.5]);
    story.see(6.0, &[0.5]);
    assert_eq!(story.told.len(), 0, "the same picture twice is one sample");
}

#[test]
fn invariant_8_a_flapping_camera_does_not_alert_twice() {
    let mut story = Story::of(&camera());
    let mut s = 0;
    for _ in 0..20 {
        story.see_each_second(s..s + 5, &[0.5]);
        story.lose(f64::from(s + 5));
        story.come_back(f64::from(s + 40));
        s += 41;
    }
    assert_eq!(story.lines(), ["visit.started - 0"]);
    story.see_each_second(s..s + 20, &[]);
    assert_eq!(story.lines().len(), 2, "{:?}", story.lines());
}

#[test]
fn invariant_8_messages_of_an_older_life_are_ignored() {
    let mut story = Story::of(&camera());
    story.see(0.0, &[]);
    story.lose(1.0);
    story.come_back(2.0);
    for s in 3..6 {
        let old = detected(1, story.at(f64::from(s)), Ok(vec![person(0.5)]));
        assert!(!story.core.is_news(&old));
        assert!(story.core.observe(&old).is_empty());
    }
    let at = story.at(6.0);
    story.core.camera_lost(Generation(1), at, Reason::Stalled, String::new());
    story.tick(600.0);
    assert_eq!(story.lines(), [""; 0], "no down: the life that counts streams");
}

#[test]
fn somebody_who_is_still_there_after_a_loss_is_the_same_visit() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..5, &[0.5]);
    story.lose(5.0);
    assert_eq!(story.core.people(), 0, "nobody is seen in the dark");
    (6..60).for_each(|s| story.tick(f64::from(s)));
    story.come_back(60.0);
    story.see_each_second(62..70, &[0.5]);
    story.see_each_second(70..90, &[]);
    assert_eq!(story.lines(), ["visit.started - 0", "visit.ended - 0-69"]);
}

#[test]
fn the_quiet_clock_stands_still_in_the_dark() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..5, &[0.5]);
    story.see_each_second(5..8, &[]);
    story.lose(8.0);
    story.come_back(60.0);
    story.see_each_second(60..66, &[]);
    assert_eq!(story.lines().len(), 1, "3 and 6 seconds of quiet");
    story.see(67.0, &[]);
    assert_eq!(story.lines(), ["visit.started - 0", "visit.ended - 0-4"]);
}

#[test]
fn a_visit_ends_when_the_camera_stays_away() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..5, &[0.5]);
    story.lose(5.0);
    story.tick(125.0);
    let visits = |story: &Story| story.lines().into_iter().filter(|l| l.starts_with("visit")).collect::<Vec<_>>();
    assert_eq!(visits(&story).len(), 1, "not yet longer");
    story.tick(126.0);
    assert_eq!(visits(&story), ["visit.started - 0", "visit.ended - 0-4"]);
    let ended = story.told.iter().find(|e| e.kind == EventKind::VisitEnded);
    let data = &ended.expect("an end").data;
    assert_eq!((&data.frame, data.count), (&None, None), "no sample decided");
    story.come_back(200.0);
    story.see_each_second(200..202, &[0.5]);
    assert_eq!(visits(&story)[2..], ["visit.started - 200"], "another visit");
}

#[test]
fn darkness_in_many_short_stretches_ends_a_visit_too() {
    let mut story = Story::of(&camera());
    story.see_each_second(0..5, &[0.5]);
    for n in 0..8 {
        story.lose(5.0 + 20.0 * f64::from(n));
        story.come_back(24.0 + 20.0 * f64::from(n));
    }
    assert_eq!(story.lines(), ["visit.started - 0", "visit.ended - 0-4"]);
}

#[test]
fn one_sample_in_four_seconds_is_enough_and_gives_no_tracks() {
    let mut settings = camera();
    settings.every = Duration::from_secs(4);
    settings.visits.quiet = Duration::from_secs(3);
    let mut story = Story::of(&settings);
    for (n, seen) in "0110111010010000".chars().enumerate() {
        story.see(4.0 * n as f64, if seen == '1' { &[0.5] } else { &[] });
    }
    assert_eq!(story.lines(), ["visit.started - 4", "visit.ended - 4-44"]);
    assert_eq!(story.told[0].data.detections[0].track, None);
}

#[test]
fn ten_samples_a_second_carry_tracks() {
    let mut settings = camera();
    settings.every = Duration::from_millis(100);
    settings.visits.quiet = Duration::from_secs(3);
    let mut story = Story::of(&settings);
    for n in 0..100_u8 {
        let x = [0.1 + 0.01 * f32::from(n)];
        let seen = if (10..50).contains(&n) { &x[..] } else { &[] };
        story.see(f64::from(n) / 10.0, seen);
    }
    assert_eq!(story.lines(), ["visit.started - 1", "visit.ended - 1-4.9"]);
    assert_eq!(story.told[0].data.detections[0].track, Some(1));
}

#[test]
fn new_settings_keep_the_visits_whose_zone_still_exists() {
    let mut settings = camera();
    settings.zones = vec![zone("gate", 0.0, 0.3), zone("yard", 0.5, 0.9)];
    let mut story = Story::of(&settings);
    story.see_each_second(0..3, &[0.1, 0.7]);
    settings.zones = vec![zone("roof", 0.3, 0.5), zone("yard", 0.6, 1.0)];
    settings.name = "Back door".into();
    let events = story.core.configure(&settings);
    story.hear(events);
    assert_eq!(story.lines()[2..], ["visit.ended gate 0-2"]);
    assert_eq!(&*story.told[2].data.camera.as_ref().expect("a camera").name, "Back door");
    story.see_each_second(3..5, &[0.7]);
    assert_eq!(story.told.len(), 3, "the yard's visit goes on");
    story.see_each_second(5..20, &[]);
    assert_eq!(story.lines()[3..], ["visit.ended yard 0-4"]);
}

fn unfinished(zone: Option<&str>, story: &Story) -> (Unfinished, VisitFacts) {
    let visit =
        VisitFacts { id: crate::words::VisitId::fresh(), started_at: story.start.wall, ended_at: None, peak_count: 1 };
    let open = |camera: &str| OpenVisit {
        camera: camera.parse().expect("an id"),
        zone: zone.map(Into::into),
        label: Some("person".into()),
        visit: visit.clone(),
    };
    let unfinished = Unfinished { visits: vec![open("door"), open("another")], ..Unfinished::default() };
    (unfinished, visit)
}

#[test]
fn a_visit_goes_on_after_a_restart_of_the_process() {
    let mut story = Story::of(&camera());
    let (unfinished, visit) = unfinished(None, &story);
    let at = story.at(100.0);
    assert!(story.core.resume(&unfinished, at).is_empty());
    story.generation = 0;
    story.come_back(103.0);
    story.see_each_second(104..110, &[0.5, 0.6]);
    story.see_each_second(110..130, &[]);
    assert_eq!(story.lines(), ["visit.ended - 0-109"], "and no second start");
    let ended = story.told[0].data.visit.as_ref().expect("a visit");
    assert_eq!((ended.id, ended.peak_count), (visit.id, 2));
}

#[test]
fn after_a_long_absence_of_the_process_the_next_person_is_another_visit() {
    // Of an end in the future nobody knows how long ago it was: the clock was set back.
    for hours in [-8, 1] {
        after_an_absence(jiff::SignedDuration::from_hours(hours));
    }
}

fn after_an_absence(end: jiff::SignedDuration) {
    let mut story = Story::of(&camera());
    let (mut unfinished, visit) = unfinished(None, &story);
    let at = story.at(100.0);
    unfinished.alive_until = at.wall.checked_add(end).ok();
    let ended = story.core.resume(&unfinished, at);
    let ended: Vec<_> = ended.iter().map(|f| &f.event).map(|e| (e.kind, e.data.visit.as_ref().map(|v| v.id))).collect();
    assert_eq!(ended, [(crate::events::EventKind::VisitEnded, Some(visit.id))]);
    story.generation = 0;
    story.come_back(103.0);
    story.see_each_second(104..110, &[0.5]);
    assert_eq!(story.lines().len(), 1, "an alert of its own: {:?}", story.lines());
    assert!(story.lines()[0].starts_with("visit.started"), "{:?}", story.lines());
}

#[test]
fn a_hit_before_a_long_darkness_counts_towards_no_visit_after_it() {
    let mut story = Story::of(&camera());
    story.see_each_second(1..2, &[0.5]);
    story.lose(2.0);
    for minute in 1..60 {
        story.tick(f64::from(minute) * 60.0);
    }
    story.come_back(3600.0);
    story.see_each_second(3600..3601, &[0.5]);
    let visits: Vec<_> = story.lines().into_iter().filter(|line| line.starts_with("visit")).collect();
    assert!(visits.is_empty(), "two hits, an hour apart: {visits:?}");
}

#[test]
fn a_visit_ends_after_a_restart_when_nobody_is_there_or_nothing_is_seen() {
    for seen_again in [true, false] {
        let mut story = Story::of(&camera());
        let (unfinished, _) = unfinished(None, &story);
        let at = story.at(100.0);
        story.core.resume(&unfinished, at);
        if seen_again {
            story.generation = 0;
            story.come_back(103.0);
            story.see_each_second(104..120, &[]);
        } else {
            story.tick(221.0);
        }
        assert_eq!(story.lines(), ["visit.ended - 0-0"]);
    }
}

#[test]
fn a_visit_of_a_zone_that_a_restart_removed_ends_at_once() {
    let mut story = Story::of(&camera());
    let (unfinished, visit) = unfinished(Some("gate"), &story);
    let at = story.at(100.0);
    let events = story.core.resume(&unfinished, at);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event.data.visit.as_ref().map(|v| v.id), Some(visit.id));
    assert_eq!(events[0].event.data.zone.as_deref(), Some("gate"));
}
