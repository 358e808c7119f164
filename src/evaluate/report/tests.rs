use super::*;
use crate::{
    evaluate::{Evaluation, Looked, Photo},
    words::{Detection, Rect},
};

fn area([left, top, right, bottom]: [f32; 4]) -> Rect {
    Rect::from_edges(left, top, right, bottom)
}

fn photo(file: &str, source: &str, people: &[[f32; 4]]) -> Photo {
    Photo {
        file: file.to_owned(),
        width: 100,
        height: 100,
        people: people.iter().copied().map(area).collect(),
        ignore: Vec::new(),
        source: Some(source.into()),
    }
}

fn looked(seen: &[(f32, [f32; 4])], millis: u64) -> Looked {
    let detection = |&(score, edges): &(f32, [f32; 4])| Detection { label: "person".into(), score, area: area(edges) };
    Looked {
        seen: seen.iter().map(detection).collect(),
        inference: Duration::from_millis(millis),
        detection: Duration::from_millis(2 * millis),
    }
}

const TALL: [f32; 4] = [0.0, 0.0, 0.2, 0.6];
const SHORT: [f32; 4] = [0.5, 0.5, 0.55, 0.6];
const GHOST: [f32; 4] = [0.7, 0.1, 0.9, 0.9];

fn photos() -> [Photo; 3] {
    [photo("1.jpg", "street", &[TALL, SHORT]), photo("2.jpg", "shop", &[TALL]), photo("3.jpg", "shop", &[])]
}

fn evaluation(photos: &[Photo; 3]) -> Evaluation<'_> {
    let mut evaluation = Evaluation::default();
    evaluation.add(&photos[0], looked(&[(0.3, SHORT), (0.9, TALL)], 5));
    evaluation.add(&photos[1], looked(&[(0.8, GHOST), (0.6, TALL)], 1));
    evaluation.add(&photos[2], looked(&[(0.7, GHOST), (0.02, SHORT)], 3));
    evaluation
}

#[test]
fn figures_are_those_worked_out_by_hand() {
    let photos = photos();
    let report = evaluation(&photos).report(0.45);
    assert_eq!((report.photos, report.photos_without_people), (3, 1));
    // By score: right 0.9, wrong 0.8, wrong 0.7, right 0.6, right 0.3; the envelope at the right ones is 1, 3/5, 3/5.
    let ap50 = (1.0 + 0.6 + 0.6) / 3.0;
    let wanted = Figures {
        group: "all".to_owned(),
        people: 3,
        ap50: Some(ap50),
        precision: Some(0.5),
        recall: Some(2.0 / 3.0),
        right: 2,
        wrong: 2,
        missed: 1,
    };
    assert!((report.total.ap50.expect("people") - ap50).abs() < 1e-9, "{:?}", report.total.ap50);
    assert_eq!(Figures { ap50: Some(ap50), ..report.total.clone() }, wanted);
    assert_eq!(report.latency, Latency { inference_ms: 3.0, detection_ms: 6.0 });

    let group = |name: &str| report.by_height.iter().find(|figures| figures.group == name).expect(name).clone();
    let short = group("under 15 %");
    assert_eq!((short.people, short.ap50, short.recall, short.precision), (1, Some(1.0), Some(0.0), None));
    assert_eq!((group("15 to 40 %").people, group("15 to 40 %").ap50, group("15 to 40 %").wrong), (0, None, 0));
    assert_eq!((group("over 40 %").people, group("over 40 %").right, group("over 40 %").wrong), (2, 2, 2));
    assert_eq!(group("over 15 %").people, 2);

    let sources: Vec<_> = report.by_source.iter().map(|f| (f.group.as_str(), f.people, f.right, f.wrong)).collect();
    assert_eq!(sources, [("shop", 1, 1, 2), ("street", 2, 1, 0)]);

    let thresholds: Vec<_> = report.thresholds.iter().map(|t| (t.min_score, t.precision, t.recall)).collect();
    assert_eq!(thresholds[1], (0.2, Some(0.6), Some(1.0)));
    assert_eq!(thresholds[8], (0.9, Some(1.0), Some(1.0 / 3.0)));
    assert_eq!(report.thresholds[8].f1, Some(0.5));
}

#[test]
fn the_worst_mistakes_come_first() {
    let photos = photos();
    let (ghosts, missed) = evaluation(&photos).mistakes(0.65, 10);
    let ghosts: Vec<_> = ghosts.iter().map(|m| (m.photo.file.as_str(), m.score)).collect();
    assert_eq!(ghosts, [("2.jpg", Some(0.8)), ("3.jpg", Some(0.7))]);
    let missed: Vec<_> = missed.iter().map(|m| (m.photo.file.as_str(), m.area.h, m.score)).collect();
    assert_eq!(missed, [("2.jpg", 0.6, None), ("1.jpg", area(SHORT).h, None)]);
    let (ghosts, missed) = evaluation(&photos).mistakes(0.1, 1);
    assert_eq!((ghosts.len(), missed.len()), (1, 0));
}

#[test]
fn nothing_seen_and_nobody_there_is_no_figure_and_no_nonsense() {
    let empty = photo("1.jpg", "a", &[]);
    let mut evaluation = Evaluation::default();
    evaluation.add(&empty, looked(&[], 1));
    let report = evaluation.report(0.5);
    let json = serde_json::to_value(&report).expect("it is plain");
    assert_eq!(json["total"]["ap50"], serde_json::Value::Null);
    assert_eq!(json["by_source"].as_array().map(Vec::len), Some(0), "one source is no division");
    let table = report.to_string();
    assert!(!table.contains("NaN") && table.contains("  -"), "{table}");
    assert_eq!(Evaluation::default().report(0.5).photos, 0);
}

#[test]
fn the_table_says_what_the_figures_are() {
    let photos = photos();
    let table = evaluation(&photos).report(0.45).to_string();
    for line in [
        "3 photos, 1 without people",
        "all                  3   0.733      0.500   0.667       2       1",
        "under 15 %           1   1.000          -   0.000       0       1",
        "street               2   1.000      1.000   0.500       0       1",
        "0.2                0.600   1.000   0.750",
        "6.0 ms a photo (median, one thread), of which the model 3.0 ms",
    ] {
        assert!(table.contains(line), "{line} is missing in\n{table}");
    }
}
