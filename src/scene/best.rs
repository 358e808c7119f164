use super::Proof;
use crate::words::Detection;

/// The best frame of a visit so far: the one with the highest product of a newcomer's score and size.
#[derive(Debug, Clone)]
pub(super) struct Best {
    worth: f32,
    /// None while that is the frame that opened the visit: it went with the start, and is not told twice.
    proof: Option<Proof>,
}

impl Best {
    /// A visit that is opened by a frame of this worth.
    pub(super) fn opening(worth: f32) -> Self {
        Self { worth, proof: None }
    }

    /// A visit that was open before the process began anew: whatever comes is the best there is.
    pub(super) fn unknown() -> Self {
        Self { worth: 0.0, proof: None }
    }

    /// Keeps a further frame, if it is better than the one that is kept.
    pub(super) fn consider(&mut self, worth: f32, proof: impl FnOnce() -> Proof) {
        if worth > self.worth {
            *self = Self { worth, proof: Some(proof()) };
        }
    }

    /// The best frame, if it is another than the one that opened the visit.
    pub(super) fn into_proof(self) -> Option<Proof> {
        self.proof
    }
}

/// What a frame is worth: how well the one of `people` who is seen best is seen.
pub(super) fn worth<'a>(people: impl IntoIterator<Item = &'a Detection>) -> f32 {
    people.into_iter().map(|person| person.score * person.area.clipped().area()).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Rect;

    fn person(score: f32, w: f32) -> Detection {
        Detection { label: "person".into(), score, area: Rect { x: 0.1, y: 0.1, w, h: 0.5 } }
    }

    #[test]
    fn near_and_sure_is_worth_most_and_what_lies_outside_of_the_picture_nothing() {
        let (near, sure) = (person(0.6, 0.4), person(0.9, 0.1));
        assert!(worth([&near]) > worth([&sure]));
        assert_eq!(worth([&sure, &near]), worth([&near]));
        assert!(worth([&person(0.6, 5.0)]) <= 0.6, "clipped");
        assert_eq!(worth([]), 0.0);
        assert_eq!(worth([&person(f32::NAN, 0.1), &sure]), worth([&sure]));
    }
}
