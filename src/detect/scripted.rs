use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::{DetectError, Detector};
use crate::{media::I420, words::Detection};

/// What a scripted detector does with one picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Sees this.
    See(Vec<Detection>),
    /// Fails with `DetectError::OnCommand`.
    Fail,
    /// Panics.
    Panic,
    /// Takes this long and sees nothing.
    Sleep(Duration),
}

/// What scripted detectors do with the pictures to come, shared by all of a pool; at its end they see nothing.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<VecDeque<Act>>>);

impl Script {
    /// Adds an act at the end.
    pub fn add(&self, act: Act) {
        self.0.lock().push_back(act);
    }

    /// How many acts are left.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Whether the end is reached.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The faulty detector with which tests show that a fault costs one detection.
#[derive(Debug, Clone, Default)]
pub struct ScriptedDetector(pub Script);

impl Detector for ScriptedDetector {
    fn detect(&mut self, _: &I420) -> Result<Vec<Detection>, DetectError> {
        let act = self.0.0.lock().pop_front();
        match act {
            None => Ok(Vec::new()),
            Some(Act::See(detections)) => Ok(detections),
            Some(Act::Fail) => Err(DetectError::OnCommand),
            Some(Act::Panic) => panic!("panicked on command"),
            Some(Act::Sleep(time)) => {
                std::thread::sleep(time);
                Ok(Vec::new())
            }
        }
    }
}
