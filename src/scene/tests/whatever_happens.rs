use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::events::EventKind;

#[derive(Debug, Clone)]
enum Step {
    See(Vec<f32>),
    Fail,
    Late,
    Lose,
    ComeBack,
    Stop,
    Reconfigure(bool),
    Pass,
}

fn steps() -> impl Strategy<Value = Vec<(u32, Step)>> {
    let step = prop_oneof![
        12 => prop::collection::vec(0.0_f32..1.0, 0..4).prop_map(Step::See),
        8 => Just(Step::See(Vec::new())),
        2 => Just(Step::Fail),
        1 => Just(Step::Late),
        1 => Just(Step::Lose),
        1 => Just(Step::ComeBack),
        1 => Just(Step::Stop),
        1 => any::<bool>().prop_map(Step::Reconfigure),
        1 => Just(Step::Pass),
    ];
    prop::collection::vec((1_u32..12_000, step), 0..150)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn starts_and_ends_alternate_whatever_happens(
        steps in steps(),
        hits in 1_u32..4,
        every_ms in prop::sample::select(vec![100_u64, 1000, 4000]),
        zones in any::<bool>(),
        cooldown in prop::sample::select(vec![0_u64, 20]),
        stationary in prop::sample::select(vec![0_u64, 60]),
    ) {
        let mut settings = camera();
        settings.every = Duration::from_millis(every_ms);
        settings.visits.hits = hits;
        settings.visits.cooldown = Duration::from_secs(cooldown);
        settings.visits.stationary = Duration::from_secs(stationary);
        let two_zones = vec![zone("gate", 0.0, 0.4), zone("yard", 0.3, 0.9)];
        let set_zones = |settings: &mut Camera, zones| {
            settings.zones = if zones { two_zones.clone() } else { Vec::new() };
        };
        set_zones(&mut settings, zones);
        let mut story = Story::of(&settings);
        let mut s = 100.0;
        for (ms, step) in steps {
            s += f64::from(ms) / 1000.0;
            match step {
                Step::See(xs) => story.see(s, &xs),
                Step::Fail => story.fail(s),
                Step::Late => {
                    let late = detected(story.generation, story.at(s - 30.0), Ok(vec![person(0.35)]));
                    let events = story.core.observe(&late);
                    story.hear(events);
                }
                Step::Lose => story.lose(s),
                Step::ComeBack => story.come_back(s),
                Step::Stop => {
                    let at = story.at(s);
                    story.core.camera_stopped(Generation(story.generation), at);
                }
                Step::Reconfigure(zones) => {
                    set_zones(&mut settings, zones);
                    let events = story.core.configure(&settings);
                    story.hear(events);
                }
                Step::Pass => story.tick(s),
            }
        }
        let last_sample = s;
        story.come_back(s + 1.0);
        for n in 0..8_u32 {
            story.see(s + 2.0 + 4.0 * f64::from(n), &[]);
        }
        prop_assert_eq!(story.core.open_visits(), 0, "after the quiet");

        let mut open = HashMap::new();
        let mut ids = HashSet::new();
        for event in &story.told {
            prop_assert!(ids.insert(event.id), "an event's id is given once");
            let Some(visit) = &event.data.visit else { continue };
            let zone = event.data.zone.clone();
            if event.kind == EventKind::VisitStarted {
                prop_assert!(open.insert(zone, visit.clone()).is_none(), "one at a time in a zone");
                prop_assert!(event.data.count >= Some(1) && visit.peak_count >= 1);
            } else {
                let started = open.remove(&zone).expect("what ends has started");
                let ended_at = visit.ended_at.expect("an end has a time");
                prop_assert_eq!(started.id, visit.id);
                prop_assert!(started.started_at <= ended_at);
                prop_assert!(ended_at <= story.at(last_sample).wall);
                prop_assert!(started.peak_count <= visit.peak_count);
            }
        }
        prop_assert!(open.is_empty(), "what starts ends");
    }
}
