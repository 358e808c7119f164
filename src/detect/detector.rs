use std::{sync::Arc, time::Duration};

use super::{
    DetectError, Model,
    agreement::{VOTES_FROM, settle},
    heads::Sieve,
    model::Session,
    nms::Candidate,
    prepare::Preparer,
};
use crate::{
    media::I420,
    settings,
    words::{Detection, Moment},
};

/// Looks at pictures: the model's implementation for cameras, a scripted one for tests of what surrounds it.
pub trait Detector {
    /// What is in the picture, the highest score first.
    ///
    /// # Errors
    /// Why it could not be looked at. After an error the detector must be made anew.
    fn detect(&mut self, picture: &I420) -> Result<Vec<Detection>, DetectError>;
}

/// A model and what is asked of it: cheap to clone, and what every worker makes its detector from.
#[derive(Debug, Clone)]
pub struct Task {
    model: Arc<Model>,
    wanted: Arc<[bool]>,
    min_score: f32,
    max_overlap: f32,
}

impl Task {
    /// Asks a model for what the settings say.
    ///
    /// # Errors
    /// `UnknownLabel`.
    pub fn new(model: Arc<Model>, asked: &settings::Detector) -> Result<Self, DetectError> {
        let min_score = asked.min_score.unwrap_or(model.min_score);
        Self::asking(model, &asked.labels, min_score, asked.max_overlap)
    }

    /// Asks a model for these labels (all where none is named), from this score on; of boxes of one label that overlap by
    /// more than `max_overlap` (intersection over union) one is left.
    ///
    /// # Errors
    /// `UnknownLabel`.
    pub fn asking(
        model: Arc<Model>,
        labels: &[Arc<str>],
        min_score: f32,
        max_overlap: f32,
    ) -> Result<Self, DetectError> {
        let wanted = model.labels.select(labels)?.into();
        Ok(Self { model, wanted, min_score, max_overlap })
    }

    /// A detector for one worker, with state and buffers of its own.
    ///
    /// # Errors
    /// `Inference`.
    pub fn detector(&self) -> Result<ModelDetector, DetectError> {
        Ok(ModelDetector {
            session: self.model.session()?,
            preparer: Preparer::new(self.model.preparation),
            candidates: Vec::new(),
            voters: Vec::new(),
            inference: Duration::ZERO,
            task: self.clone(),
        })
    }
}

/// Looks at pictures with a model: prepares, infers, reads the boxes, makes of those that show the same thing one.
#[derive(Debug)]
pub struct ModelDetector {
    task: Task,
    session: Session,
    preparer: Preparer,
    candidates: Vec<Candidate>,
    voters: Vec<Candidate>,
    inference: Duration,
}

impl ModelDetector {
    /// How long the model itself took on the last picture: what is left of the whole is preparing and reading boxes.
    pub fn inference(&self) -> Duration {
        self.inference
    }
}

impl Detector for ModelDetector {
    fn detect(&mut self, picture: &I420) -> Result<Vec<Detection>, DetectError> {
        let mapping = self.preparer.prepare(picture, self.session.input()?)?;
        let began = Moment::now();
        let outputs = self.session.infer()?;
        self.inference = Moment::now().since(&began);
        self.candidates.clear();
        let Task { model, wanted, min_score, max_overlap } = &self.task;
        let mut sieve = Sieve { wanted, min_score: min_score.min(VOTES_FROM), kept: &mut self.candidates };
        model.head.read(&outputs.arrays()?, &mut sieve)?;
        settle(&mut self.candidates, &mut self.voters, model.agreement.as_ref(), *max_overlap, *min_score);
        let labels = &self.task.model.labels;
        let detection = |c: &Candidate| {
            let area = mapping.to_picture(c.edges).clipped();
            let label = labels.name(c.class)?;
            // A box in the padding has nothing left inside the picture.
            (area.area() > 0.0).then(|| Detection { label: Arc::clone(label), score: c.score, area })
        };
        Ok(self.candidates.iter().filter_map(detection).collect())
    }
}
