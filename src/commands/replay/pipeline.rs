use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::ids::ids;
use crate::{
    detect::{DetectError, Detector},
    events::{CameraRef, Event},
    media::{Detected, Frame, I420, Origin},
    scene::{Finding, SceneCore},
    settings::Camera,
    words::{CameraId, Generation, Moment},
};

/// From pictures to events, as in a running Lookout, but one step after the other and by the clip's time. Detection takes
/// no time here, so that the output is always the same.
pub(super) struct Pipeline {
    camera: CameraId,
    detector: Box<dyn Detector>,
    scene: SceneCore,
    begin: Moment,
    sequence: u64,
}

impl Pipeline {
    /// The pipeline of a camera whose first picture is captured at `start`.
    pub(super) fn new(camera: &Camera, detector: Box<dyn Detector>, start: Timestamp) -> Self {
        let about = CameraRef { id: camera.id.clone(), name: Arc::clone(&camera.name) };
        let scene = SceneCore::with_ids(about, camera, ids(&camera.id, start));
        let begin = Moment { wall: start, steady: Instant::now() };
        Self { camera: camera.id.clone(), detector, scene, begin, sequence: 0 }
    }

    /// Looks at a picture that was captured `at` after the begin; times only grow.
    ///
    /// # Errors
    /// The detector's.
    pub(super) fn look(&mut self, at: Duration, picture: I420) -> Result<Vec<Event>, DetectError> {
        let seen = self.detector.detect(&picture)?;
        self.sequence += 1;
        let captured = self.begin.after(at);
        let origin =
            Origin { camera: self.camera.clone(), generation: Generation(1), sequence: self.sequence, captured };
        let frame = Arc::new(Frame { origin, picture, coded: None });
        Ok(events(self.scene.observe(&Detected { frame, seen: Ok(seen), at: captured })))
    }

    /// Nothing comes any more: what is open ends.
    pub(super) fn end(&mut self) -> Vec<Event> {
        events(self.scene.close())
    }

    /// Visits that were held back.
    pub(super) fn held_back(&self) -> u64 {
        self.scene.held_back()
    }
}

fn events(findings: Vec<Finding>) -> Vec<Event> {
    findings.into_iter().map(|finding| finding.event).collect()
}
