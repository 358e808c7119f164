//! Storms tamed: the cooldown, and people who stay in one place.

use super::*;

fn calm() -> Camera {
    let mut settings = camera();
    settings.visits.stationary = Duration::from_secs(1200);
    settings
}

fn starts(story: &Story) -> usize {
    story.lines().iter().filter(|line| line.starts_with("visit.started")).count()
}

#[test]
fn somebody_who_sits_for_an_hour_and_flickers_is_one_alert() {
    let mut story = Story::of(&calm());
    let mut random = fastrand::Rng::with_seed(7);
    story.see_each_second(0..2, &[0.2]);
    story.see_each_second(2..4, &[0.35]);
    // Seen for some seconds, lost for up to a minute, a little to the left or the right.
    let (mut s, mut seen) = (4, true);
    while s < 3600 {
        let until = s + if seen { random.u32(1..30).max(if s == 4 { 15 } else { 1 }) } else { random.u32(1..60) };
        for second in s..until {
            let x = [0.5 + 0.02 * (random.f32() - 0.5)];
            story.see(second.into(), if seen { &x } else { &[] });
        }
        (s, seen) = (until, !seen);
    }
    assert_eq!(story.lines().len(), 2, "{:?}", story.lines());
    assert_eq!(starts(&story), 1);
    assert!(story.core.held_back() > 20, "{}", story.core.held_back());

    // Without the rule each time would be another alert.
    assert_eq!(story.core.open_visits(), 0);
    let now = f64::from(s);
    (0..3).for_each(|n| story.see(now + f64::from(n), &[0.5, 0.7]));
    assert_eq!(starts(&story), 2, "a new person beside them, at once: {:?}", story.lines());
    assert_eq!(story.told[2].data.count, Some(2), "both are there");
    (3..20).for_each(|n| story.see(now + f64::from(n), &[0.5]));
    assert_eq!(story.lines().len(), 4, "who sits does not keep the other's visit open: {:?}", story.lines());
    (20..25).for_each(|n| story.see(now + f64::from(n), &[0.5 + 0.06 * (n - 20) as f32]));
    assert_eq!(starts(&story), 3, "the same one, walking");
}

#[test]
fn after_the_stationary_time_unseen_somebody_is_new_again() {
    let again = |after: u32| {
        let mut story = Story::of(&calm());
        story.see_each_second(0..60, &[0.5]);
        story.see_each_second(60..60 + after, &[]);
        story.see_each_second(60 + after..60 + after + 5, &[0.5]);
        (starts(&story), story.core.held_back())
    };
    assert_eq!(again(1190), (1, 1));
    assert_eq!(again(1210), (2, 0));
}

/// Somebody stands at the door, the camera is gone from 20 s on for `dark` seconds, then somebody stands there again.
fn around_a_darkness(dark: u32) -> usize {
    let mut story = Story::of(&calm());
    story.see_each_second(0..20, &[0.5]);
    story.lose(20.0);
    for s in 20..20 + dark {
        story.tick(s.into());
    }
    story.come_back(f64::from(20 + dark));
    story.see_each_second(21 + dark..60 + dark, &[0.5]);
    starts(&story)
}

#[test]
fn after_a_darkness_longer_than_blind_whoever_is_in_the_same_place_is_another_visit() {
    assert_eq!(around_a_darkness(100), 1, "the same visit, kept open");
    assert_eq!(around_a_darkness(121), 2);
    assert_eq!(around_a_darkness(600), 2);
}

#[test]
fn who_is_known_stays_so_over_a_flap_and_not_over_a_long_darkness() {
    for (dark, visits) in [(5.0, 1), (119.0, 1), (121.0, 2)] {
        let mut story = Story::of(&calm());
        story.see_each_second(0..20, &[0.5]);
        story.see_each_second(20..40, &[]);
        story.lose(40.0);
        story.come_back(40.0 + dark);
        (0..5).for_each(|n| story.see(41.0 + dark + f64::from(n), &[0.5]));
        assert_eq!(starts(&story), visits, "{dark} s: {:?}", story.lines());
    }
}

#[test]
fn where_samples_come_more_rarely_than_planned_nobody_is_taken_to_have_stayed() {
    for (pace, visits) in [(1.0, 1), (2.0, 1), (8.0, 2)] {
        let mut story = Story::of(&calm());
        // Seen for long, then nobody, then somebody in the same place.
        let seen = [[0.5].as_slice(); 15].into_iter().chain([[].as_slice(); 15]).chain([[0.5].as_slice(); 5]);
        seen.enumerate().for_each(|(n, xs)| story.see(n as f64 * pace, xs));
        assert_eq!(starts(&story), visits, "one in {pace} s: {:?}", story.lines());
    }
}

#[test]
fn where_detections_failed_for_a_while_whoever_is_seen_then_is_new() {
    let mut story = Story::of(&calm());
    story.see_each_second(0..20, &[0.5]);
    story.see_each_second(20..40, &[]);
    (40..50).for_each(|s| story.fail(s.into()));
    story.see_each_second(50..55, &[0.5]);
    assert_eq!(starts(&story), 2, "{:?}", story.lines());
}

#[test]
fn who_sits_is_known_after_new_settings_and_in_their_zone() {
    let mut settings = calm();
    settings.zones = vec![zone("yard", 0.3, 0.9)];
    let mut story = Story::of(&settings);
    story.see_each_second(0..60, &[0.5]);
    story.see_each_second(60..80, &[]);
    settings.zones.push(zone("gate", 0.0, 0.3));
    settings.visits.quiet = Duration::from_secs(8);
    assert!(story.core.configure(&settings).is_empty());
    story.see_each_second(80..90, &[0.5]);
    assert_eq!(starts(&story), 1);
    story.see_each_second(90..95, &[0.5, 0.1]);
    assert_eq!(story.lines()[2..], ["visit.started gate 90"]);
}

#[test]
fn in_the_cooldown_of_a_zone_none_starts_there_and_others_are_not_touched() {
    let mut settings = camera();
    settings.visits.cooldown = Duration::from_secs(60);
    settings.zones = vec![zone("gate", 0.0, 0.3), zone("yard", 0.5, 0.9)];
    let mut story = Story::of(&settings);
    story.see_each_second(0..5, &[0.1]);
    story.see_each_second(5..20, &[]);
    assert_eq!(story.lines(), ["visit.started gate 0", "visit.ended gate 0-4"], "told at 14");
    story.see_each_second(20..25, &[0.1, 0.7]);
    assert_eq!(story.lines()[2..], ["visit.started yard 20"]);
    assert_eq!(story.core.held_back(), 1);
    settings.name = "Another".into();
    assert!(story.core.configure(&settings).is_empty());
    story.see_each_second(25..74, &[0.1, 0.7]);
    assert_eq!(story.lines().len(), 3, "the cooldown survives new settings");
    story.see(74.0, &[0.1, 0.7]);
    assert_eq!(story.lines()[3..], ["visit.started gate 72"], "whoever is there at its end is told at once");
    assert_eq!(story.core.held_back(), 1);
}

#[test]
fn the_cooldown_counts_after_a_visit_that_ended_in_the_dark_too() {
    let mut settings = camera();
    settings.visits.cooldown = Duration::from_secs(300);
    let mut story = Story::of(&settings);
    story.see_each_second(0..5, &[0.5]);
    story.lose(5.0);
    story.tick(126.0);
    story.come_back(130.0);
    story.see_each_second(131..140, &[0.5]);
    assert_eq!(starts(&story), 1, "{:?}", story.lines());
    story.see_each_second(425..428, &[0.5]);
    assert_eq!(starts(&story), 2, "{:?}", story.lines());
}
