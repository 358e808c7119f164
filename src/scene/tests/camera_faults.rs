use super::*;
use crate::events::{EventKind, Unfinished};

#[test]
fn a_camera_that_stays_away_is_told_down_once_and_up_once() {
    let mut story = Story::of(&camera());
    story.see(0.0, &[]);
    story.lose(10.0);
    (11..=70).for_each(|s| story.tick(f64::from(s)));
    assert_eq!(story.told.len(), 0, "not yet longer");
    story.tick(71.0);
    // Further lives fail.
    for s in 72..80 {
        story.generation += 1;
        story.lose(f64::from(s));
    }
    story.tick(500.0);
    story.come_back(600.0);
    story.tick(700.0);
    assert_eq!(story.lines(), ["camera.down", "camera.up"]);
    let (down, up) = (&story.told[0], &story.told[1]);
    let reason = down.data.reason.as_ref().expect("why");
    assert_eq!((reason.code, &*reason.message), (Reason::Stalled, "silent for 10 s"));
    assert_eq!(down.data.down_since, Some(story.at(10.0).wall));
    assert_eq!(up.data.down_since, Some(story.at(10.0).wall));
    assert_eq!((down.time, up.time), (story.at(71.0).wall, story.at(600.0).wall));
}

#[test]
fn flapping_is_not_told() {
    let mut story = Story::of(&camera());
    for n in 0..50 {
        story.lose(f64::from(n) * 60.0);
        story.come_back(f64::from(n) * 60.0 + 55.0);
    }
    assert_eq!(story.lines(), [""; 0]);
}

#[test]
fn an_outage_is_told_even_where_the_tick_comes_after_the_return() {
    let mut story = Story::of(&camera());
    let (lost, back) = (story.at(10.0), story.at(80.0));
    story.core.camera_lost(Generation(1), lost, Reason::Refused, String::new());
    let events = story.core.camera_streaming(Generation(2), back);
    let kinds: Vec<_> = events.iter().map(|f| f.event.kind).collect();
    assert_eq!(kinds, [EventKind::CameraDown, EventKind::CameraUp]);
}

#[test]
fn a_frame_is_proof_that_a_camera_streams() {
    let mut story = Story::of(&camera());
    story.lose(0.0);
    story.tick(100.0);
    story.generation += 1;
    story.see(110.0, &[]);
    assert_eq!(story.lines(), ["camera.down", "camera.up"]);
    let at = story.at(109.0);
    assert!(story.core.camera_streaming(Generation(2), at).is_empty(), "the word of it comes late");
}

#[test]
fn a_stopped_camera_is_no_fault() {
    let mut story = Story::of(&camera());
    story.see(0.0, &[]);
    let at = story.at(5.0);
    story.core.camera_stopped(Generation(1), at);
    // The end of the life that was stopped comes after the word of the stop.
    story.core.camera_lost(Generation(1), at, Reason::StreamEnded, String::new());
    story.tick(900.0);
    story.come_back(1000.0);
    assert_eq!(story.lines(), [""; 0]);

    story.lose(1010.0);
    let at = story.at(1020.0);
    story.core.camera_stopped(Generation(story.generation), at);
    story.tick(2000.0);
    assert_eq!(story.lines(), [""; 0], "stopped before it was told");
}

#[test]
fn a_late_word_of_an_older_stop_stops_nothing() {
    let mut story = Story::of(&camera());
    story.generation = 5;
    story.come_back(0.0);
    let at = story.at(1.0);
    story.core.camera_stopped(Generation(3), at);
    story.lose(2.0);
    story.tick(100.0);
    assert_eq!(story.lines(), ["camera.down"]);
}

#[test]
fn a_camera_that_was_down_before_a_restart_is_told_up_and_not_down_again() {
    let mut story = Story::of(&camera());
    let since = story.start.wall;
    let unfinished = Unfinished {
        down: vec![(camera().id, since), ("another".parse().expect("an id"), since)],
        ..Unfinished::default()
    };
    let at = story.at(100.0);
    assert!(story.core.resume(&unfinished, at).is_empty());
    story.lose(101.0);
    story.tick(500.0);
    story.come_back(600.0);
    assert_eq!(story.lines(), ["camera.up"]);
    assert_eq!(story.told[0].data.down_since, Some(since));
}
