//! The scene as a whole: samples and losses in, events out.

mod camera_faults;
mod clip;
mod evidence;
mod one_visit_one_alert;
mod scene_actor;
mod storms;
mod whatever_happens;

use std::{sync::Arc, time::Duration};

use crate::{
    events::{CameraRef, Event},
    media::{Detected, Frame, I420, Origin},
    scene::{Finding, SceneCore},
    settings::{Camera, Evidence, Transport, VisitRules, Zone},
    words::{Detection, Generation, Moment, Point, Polygon, Reason, Rect},
};

/// A camera that is looked at once a second: two hits of three start a visit, ten quiet seconds end it.
pub(super) fn camera() -> Camera {
    Camera {
        id: "door".parse().expect("an id"),
        name: "Front door".into(),
        url: "rtsp://camera.invalid/1".parse().expect("an address"),
        credentials: None,
        transport: Transport::Tcp,
        every: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(10),
        key_frame_timeout: Duration::from_secs(30),
        max_retries: 0,
        sound: true,
        relay: None,
        enabled: true,
        zones: Vec::new(),
        visits: VisitRules {
            hits: 2,
            window: 3,
            quiet: Duration::from_secs(10),
            blind: Duration::from_secs(120),
            down_after: Duration::from_secs(60),
            cooldown: Duration::ZERO,
            stationary: Duration::ZERO,
        },
        evidence: Evidence { frames: 1, every: Duration::from_millis(200) },
    }
}

/// A zone from its left to its right edge, over the whole height.
fn zone(name: &str, left: f32, right: f32) -> Zone {
    let corners = [(left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0)];
    Zone { name: name.into(), polygon: Polygon(corners.map(|(x, y)| Point { x, y }).to_vec()) }
}

/// Somebody who stands at `x`.
fn person(x: f32) -> Detection {
    Detection { label: "person".into(), score: 0.8, area: Rect::from_edges(x - 0.05, 0.4, x + 0.05, 0.8) }
}

/// The answer for a frame captured at `captured`, half a second later.
fn detected(generation: u64, captured: Moment, seen: Result<Vec<Detection>, Arc<str>>) -> Detected {
    Detected {
        frame: Arc::new(Frame {
            origin: Origin { camera: camera().id, generation: Generation(generation), sequence: 7, captured },
            picture: I420::from_packed(4, 2, vec![0; 12]).expect("the size fits"),
            coded: None,
        }),
        seen,
        at: captured.after(Duration::from_millis(500)),
    }
}

/// A scene and the story told to it, in seconds from its beginning.
struct Story {
    core: SceneCore,
    start: Moment,
    generation: u64,
    told: Vec<Event>,
    /// Of each event, whether there is a picture, and of when, in seconds.
    proofs: Vec<Option<f64>>,
}

impl Story {
    fn of(settings: &Camera) -> Self {
        let name = CameraRef { id: settings.id.clone(), name: settings.name.clone() };
        Self {
            core: SceneCore::new(name, settings),
            start: Moment::now(),
            generation: 1,
            told: Vec::new(),
            proofs: Vec::new(),
        }
    }

    fn hear(&mut self, findings: Vec<Finding>) {
        for Finding { event, proof } in findings {
            self.told.push(event);
            self.proofs.push(proof.map(|p| p.origin.captured.since(&self.start).as_secs_f64()));
        }
    }

    fn at(&self, s: f64) -> Moment {
        self.start.after(Duration::from_secs_f64(s))
    }

    /// Ticks, then looks at people who stand at `xs`.
    fn see(&mut self, s: f64, xs: &[f32]) {
        self.show(s, xs.iter().map(|x| person(*x)).collect());
    }

    /// Ticks, then looks at these.
    fn show(&mut self, s: f64, seen: Vec<Detection>) {
        self.tick(s);
        let sample = detected(self.generation, self.at(s), Ok(seen));
        let findings = self.core.observe(&sample);
        self.hear(findings);
    }

    fn show_each_second(&mut self, seconds: std::ops::Range<u32>, seen: &[Detection]) {
        for s in seconds {
            self.show(s.into(), seen.to_vec());
        }
    }

    fn see_each_second(&mut self, seconds: std::ops::Range<u32>, xs: &[f32]) {
        for s in seconds {
            self.see(s.into(), xs);
        }
    }

    fn fail(&mut self, s: f64) {
        self.tick(s);
        let sample = detected(self.generation, self.at(s), Err("no".into()));
        let findings = self.core.observe(&sample);
        self.hear(findings);
    }

    fn lose(&mut self, s: f64) {
        self.tick(s);
        let (generation, at) = (Generation(self.generation), self.at(s));
        let message = "silent for 10 s".to_owned();
        self.core.camera_lost(generation, at, Reason::Stalled, message);
    }

    fn come_back(&mut self, s: f64) {
        self.tick(s);
        self.generation += 1;
        let (generation, at) = (Generation(self.generation), self.at(s));
        let findings = self.core.camera_streaming(generation, at);
        self.hear(findings);
    }

    fn tick(&mut self, s: f64) {
        let findings = self.core.tick(self.at(s));
        self.hear(findings);
    }

    /// What was told: the kind's last words, the zone, and for visits from when to when.
    fn lines(&self) -> Vec<String> {
        let seconds = |t: jiff::Timestamp| t.duration_since(self.start.wall).as_secs_f64();
        let line = |event: &Event| {
            let kind = event.kind.as_str().trim_start_matches("lookout.");
            let zone = event.data.zone.as_deref().unwrap_or("-");
            match &event.data.visit {
                Some(visit) => match visit.ended_at {
                    None => format!("{kind} {zone} {}", seconds(visit.started_at)),
                    Some(end) => format!("{kind} {zone} {}-{}", seconds(visit.started_at), seconds(end)),
                },
                None => kind.to_owned(),
            }
        };
        self.told.iter().map(line).collect()
    }
}
