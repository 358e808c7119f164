use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{
    Curve, Heights,
    evaluation::{Look, curve},
};

/// How well a model sees people in a dataset. Parts are 0 to 1; `null` stands where there is nothing to divide by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How many photos were looked at.
    pub photos: usize,
    /// How many of them show nobody.
    pub photos_without_people: usize,
    /// The threshold of `precision` and `recall`.
    pub min_score: f32,
    /// All people.
    pub total: Figures,
    /// By height of the person's box in parts of the photo's height.
    pub by_height: Vec<Figures>,
    /// By source of the photos, where the dataset tells more than one.
    pub by_source: Vec<Figures>,
    /// All people at other thresholds.
    pub thresholds: Vec<Threshold>,
    /// How long a photo took.
    pub latency: Latency,
}

/// The figures of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// The group's name.
    pub group: String,
    /// How many people there are to find.
    pub people: usize,
    /// Average precision at an overlap of 0.5, over all thresholds.
    pub ap50: Option<f64>,
    /// How much of what reaches the threshold is right.
    pub precision: Option<f64>,
    /// How many of the people were found by it.
    pub recall: Option<f64>,
    /// Detections that are right.
    pub right: usize,
    /// Detections of nobody, or of somebody a second time.
    pub wrong: usize,
    /// People without a detection.
    pub missed: usize,
}

/// What a threshold would make of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Threshold {
    /// Detections count from this score on.
    pub min_score: f32,
    /// How much of them is right.
    pub precision: Option<f64>,
    /// How many of the people are found.
    pub recall: Option<f64>,
    /// The harmonic mean of both.
    pub f1: Option<f64>,
}

/// Milliseconds a photo on one thread, the median; reading the file is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// The model alone.
    pub inference_ms: f64,
    /// Preparing the picture, the model, and reading the boxes.
    pub detection_ms: f64,
}

impl Report {
    pub(super) fn of(looks: &[Look<'_>], min_score: f32) -> Self {
        let figures = |group: &str, curve: &Curve| Figures::of(group, curve, min_score);
        let all = curve(looks, Heights::ALL);
        let mut sources: BTreeMap<&str, Vec<&Look<'_>>> = BTreeMap::new();
        for look in looks {
            sources.entry(look.photo.source.as_deref().unwrap_or("(no source)")).or_default().push(look);
        }
        let by_source = if sources.len() > 1 { sources } else { BTreeMap::new() };
        let medians = [|look: &Look<'_>| look.inference, |look: &Look<'_>| look.detection]
            .map(|of| median(looks.iter().map(of).collect()).as_secs_f64() * 1000.0);
        Self {
            photos: looks.len(),
            photos_without_people: looks.iter().filter(|look| look.photo.people.is_empty()).count(),
            min_score,
            total: figures("all", &all),
            by_height: Heights::GROUPS.iter().map(|(name, group)| figures(name, &curve(looks, *group))).collect(),
            by_source: by_source
                .into_iter()
                .map(|(source, looks)| figures(source, &curve(looks, Heights::ALL)))
                .collect(),
            thresholds: (1..=9u8).map(|tenths| Threshold::of(&all, f32::from(tenths) / 10.0)).collect(),
            latency: Latency { inference_ms: medians[0], detection_ms: medians[1] },
        }
    }
}

impl Figures {
    fn of(group: &str, curve: &Curve, min_score: f32) -> Self {
        let counts = curve.at(min_score);
        Self {
            group: group.to_owned(),
            people: curve.people(),
            ap50: curve.average_precision(),
            precision: counts.precision(),
            recall: counts.recall(),
            right: counts.right,
            wrong: counts.wrong,
            missed: counts.missed,
        }
    }
}

impl Threshold {
    fn of(curve: &Curve, min_score: f32) -> Self {
        let counts = curve.at(min_score);
        let twice = 2 * counts.right;
        let all = twice + counts.wrong + counts.missed;
        let f1 = (all > 0).then(|| twice as f64 / all as f64);
        Self { min_score, precision: counts.precision(), recall: counts.recall(), f1 }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
