use std::sync::Arc;

use crate::{
    events::Event,
    media::{Detected, Origin},
    status::Picture,
    words::Detection,
};

/// What a scene found worth telling, and the frame that proves it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What to tell.
    pub event: Event,
    /// The frame to keep of it, where there is one.
    pub proof: Option<Proof>,
}

impl From<Event> for Finding {
    /// An event of which there is no picture.
    fn from(event: Event) -> Self {
        Self { event, proof: None }
    }
}

/// A frame worth keeping, in the smallest form in which it is at hand, and what was seen in it.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Which life and moment it shows.
    pub origin: Origin,
    /// The picture.
    pub picture: Picture,
    /// What was seen in it, everywhere.
    pub detections: Arc<[Detection]>,
}

impl Proof {
    /// To be used at once: the picture as it was looked at.
    pub(super) fn now(detected: &Detected, seen: &[Detection]) -> Self {
        Self {
            origin: detected.frame.origin.clone(),
            picture: Picture::Decoded(Arc::clone(&detected.frame)),
            detections: seen.into(),
        }
    }

    /// To be kept for long: of a picture that was decoded from a key frame alone, only the key frame's bytes.
    pub(super) fn for_later(detected: &Detected, seen: &[Detection]) -> Self {
        Self { picture: Picture::of(&detected.frame), ..Self::now(detected, seen) }
    }
}
