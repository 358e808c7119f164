use std::{path::Path, time::Duration};

use serde::Serialize;

use crate::words::Detection;

/// What was seen in one picture: a line of the output.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_s: Option<f64>,
    width: usize,
    height: usize,
    detections: Vec<Seen<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'a Path>,
}

#[derive(Debug, Serialize)]
struct Seen<'a> {
    label: &'a str,
    score: f64,
    /// Left, top, right and bottom edge in pixels.
    #[serde(rename = "box")]
    edges: [f64; 4],
}

impl<'a> Line<'a> {
    /// A line; `at` is the time in a clip, `picture` the annotated one, where there is one.
    pub(super) fn new(
        file: &'a str,
        at: Option<Duration>,
        (width, height): (usize, usize),
        seen: &'a [Detection],
        picture: Option<&'a Path>,
    ) -> Self {
        let detections = seen.iter().map(|detection| Seen::new(detection, width as f64, height as f64)).collect();
        Self { file, at_s: at.map(|at| rounded(at.as_secs_f64(), 1000.0)), width, height, detections, picture }
    }
}

impl<'a> Seen<'a> {
    fn new(detection: &'a Detection, width: f64, height: f64) -> Self {
        let [x, y, w, h] = <[f32; 4]>::from(detection.area).map(f64::from);
        let edges = [x * width, y * height, (x + w) * width, (y + h) * height];
        Self {
            label: &detection.label,
            score: rounded(f64::from(detection.score), 1000.0),
            edges: edges.map(|edge| rounded(edge, 10.0)),
        }
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Rect;

    #[test]
    fn a_line_is_plain_json_in_pixels() {
        let seen = [Detection { label: "person".into(), score: 0.876_54, area: Rect::from_edges(0.1, 0.25, 0.5, 1.0) }];
        let json = |line: &Line<'_>| serde_json::to_string(line).expect("it is plain");
        assert_eq!(
            json(&Line::new("a.jpg", None, (640, 480), &seen, None)),
            r#"{"file":"a.jpg","width":640,"height":480,"detections":[{"label":"person","score":0.877,"box":[64.0,120.0,320.0,480.0]}]}"#
        );
        let at = Duration::from_micros(1_066_666);
        assert_eq!(
            json(&Line::new("a.mp4", Some(at), (2, 2), &[], Some(Path::new("out/a.jpg")))),
            r#"{"file":"a.mp4","at_s":1.067,"width":2,"height":2,"detections":[],"picture":"out/a.jpg"}"#
        );
    }
}
