use std::time::Duration;

use super::*;
use crate::testing::asset;

/// How many people YOLOX-Nano saw at a score of 0.45 in a film of 139 s (Intel sample video "one by one", CC BY 4.0),
/// two samples a second.
const SEEN: &str = "\
    00000000000001111111111111111111111111000000001111111111111111111111111111111111\
    11111111100000000000011111111111111111111111111111111111111000000000011111111111\
    11111111111110000000000000111111111111111111111111111111111111111111111111111110\
    000000011111111111111111111111110000000\
    ";

/// The visits of the film, in seconds, as a person would note them from the same detector.
const VISITS: [(f64, f64); 6] = [(6.5, 19.0), (23.0, 44.0), (51.0, 69.0), (74.5, 86.5), (92.5, 119.0), (124.0, 135.5)];

/// Tells a story of one lap and a half minute of nobody, and gives the visits it told, in seconds.
fn visits_of(settings: &Camera, samples: impl IntoIterator<Item = (f64, u32)>) -> Vec<(f64, f64)> {
    let mut story = Story::of(settings);
    for (s, count) in samples {
        let xs: Vec<f32> = (0..count).map(|n| 0.2 + 0.1 * n as f32).collect();
        story.see(s, &xs);
    }
    (0..60).for_each(|n| story.see(140.0 + f64::from(n) / 2.0, &[]));
    let started = story.told.iter().filter(|e| e.kind.as_str().ends_with("started"));
    let ended = story.told.iter().filter_map(|e| e.data.visit.as_ref()?.ended_at.zip(e.data.visit.as_ref()));
    let ended: Vec<_> = ended.collect();
    assert_eq!(started.count(), ended.len(), "each start has an end");
    let seconds = |t: jiff::Timestamp| t.duration_since(story.start.wall).as_secs_f64();
    ended.into_iter().map(|(end, visit)| (seconds(visit.started_at), seconds(end))).collect()
}

fn twice_a_second() -> Camera {
    let mut settings = camera();
    settings.every = Duration::from_millis(500);
    settings.visits.quiet = Duration::from_secs(3);
    settings
}

fn assert_near(told: &[(f64, f64)], expected: &[(f64, f64)], seconds: f64) {
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        let near = (told.0 - expected.0).abs() <= seconds && (told.1 - expected.1).abs() <= seconds;
        assert!(near, "{told:?} instead of {expected:?}");
    }
}

#[test]
fn real_detections_give_the_visits_a_person_would_note() {
    let samples = SEEN.chars().filter_map(|c| c.to_digit(10));
    let samples = (0..).map(|n| f64::from(n) / 2.0).zip(samples);
    assert_near(&visits_of(&twice_a_second(), samples), &VISITS, 1.0);
}

/// The guide beside the films counts every five seconds of this one, and every second of the one without people.
#[test]
fn the_guide_beside_the_films_gives_the_same_visits_as_far_as_it_resolves_them() {
    let Some(path) = asset("clips/people_by_second.json") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("it can be read");
    let guide: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let counts = |film: &str| -> Vec<(f64, u32)> {
        let counts = guide[film]["people_by_second"].clone();
        serde_json::from_value(counts).expect("pairs of second and count")
    };
    // Each count stands for the samples until the next one.
    let sampled = |counts: Vec<(f64, u32)>, end: f64| {
        let n = (end * 2.0) as u32;
        (0..n).map(f64::from).map(move |n| {
            let s = n / 2.0;
            let known = counts.iter().rev().find(|(at, _)| *at <= s);
            (s, known.map_or(0, |(_, count)| *count))
        })
    };
    let lap = sampled(counts("onebyone_full_768x432.mp4"), 139.0);
    assert_near(&visits_of(&twice_a_second(), lap), &VISITS, 5.0);
    let cars = sampled(counts("cars_720p15_main_nob_g30.mp4"), 16.0);
    assert_eq!(visits_of(&twice_a_second(), cars), []);
}
