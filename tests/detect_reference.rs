//! Lookout sees in photos what other code sees: OpenCV, onnxruntime and a plain decoder (`reference/make_reference.py`).
//!
//! Preparation, inference, decoding and suppression are compared as a whole, from the pixels of a photo to its boxes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lookout::{
    detect::{Detector, Model, Task},
    footage::read_still,
    media::I420,
    settings,
    words::{Detection, Rect},
};
use serde::Deserialize;

use crate::testing::asset;

/// A box of the reference: its class, score, and left, top, right and bottom edge.
type Seen = (usize, f32, [f32; 4]);

/// The fixture: by model and photo.
#[derive(Deserialize)]
struct Reference {
    min_score: f32,
    max_overlap: f32,
    margin: f32,
    models: BTreeMap<String, BTreeMap<String, Vec<Seen>>>,
}

/// Where the models and photos are.
#[track_caller]
fn assets() -> Option<PathBuf> {
    asset("photos")?.parent().map(Path::to_owned)
}

fn photo(path: &Path) -> I420 {
    read_still(path).expect("it is a photo")
}

/// What is wrong between what was seen and the reference, in words.
fn differences(seen: &[Detection], reference: &[(Arc<str>, f32, Rect)], min_score: f32, margin: f32) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut free: Vec<&Detection> = seen.iter().collect();
    for (label, score, area) in reference {
        let nearest = free
            .iter()
            .enumerate()
            .filter(|(_, d)| d.label == *label)
            .map(|(i, d)| (i, d.area.iou(area)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match nearest {
            Some((i, iou)) if iou > 0.95 => {
                let found = free.swap_remove(i);
                if (found.score - score).abs() > 0.02 {
                    wrong.push(format!("{label} {score} has score {}", found.score));
                }
            }
            _ if *score < min_score + margin => {}
            _ => wrong.push(format!("{label} {score} is missing; the nearest overlaps by {:?}", nearest.map(|n| n.1))),
        }
    }
    let added = free.iter().filter(|d| d.score >= min_score + margin);
    wrong.extend(added.map(|d| format!("{} {} is not in the reference", d.label, d.score)));
    wrong
}

fn agrees(model: &str) {
    let Some(assets) = assets() else {
        return;
    };
    let text = include_str!("fixtures/reference_boxes.json");
    let reference: Reference = serde_json::from_str(text).expect("the fixture is what its script writes");
    let photos = &reference.models[model];
    let loaded = Arc::new(Model::load(&assets.join(model)).expect("the model loads"));
    let asked = settings::Detector {
        model: settings::ModelSource::File(assets.join(model)),
        labels: Vec::new(),
        min_score: Some(reference.min_score),
        max_overlap: reference.max_overlap,
        workers: 1,
    };
    let task = Task::new(Arc::clone(&loaded), &asked).expect("every label");
    let mut detector = task.detector().expect("a session");
    let (mut boxes, mut wrong) = (0, Vec::new());
    for (name, expected) in photos {
        let expected: Vec<(Arc<str>, f32, Rect)> = expected
            .iter()
            .map(|&(class, score, [l, t, r, b])| {
                let label = loaded.labels.name(class).expect("the model's class");
                (Arc::clone(label), score, Rect::from_edges(l, t, r, b))
            })
            .collect();
        let seen = detector.detect(&photo(&assets.join(name))).expect("it can be looked at");
        boxes += expected.len();
        let found = differences(&seen, &expected, reference.min_score, reference.margin);
        wrong.extend(found.into_iter().map(|w| format!("{name}: {w}")));
    }
    assert!(photos.len() > 30 && boxes > 30, "{boxes} boxes compare little");
    assert!(wrong.is_empty(), "{boxes} boxes, of which:\n{}", wrong.join("\n"));
}

#[test]
fn the_embedded_model_sees_people_where_they_are() {
    let Some(assets) = assets() else {
        return;
    };
    let asked = settings::Detector {
        model: settings::ModelSource::Embedded,
        labels: vec!["person".into()],
        min_score: None,
        max_overlap: 0.5,
        workers: 1,
    };
    let model = Arc::new(Model::open(&asked.model).expect("it loads"));
    let mut detector = Task::new(model, &asked).expect("it knows people").detector().expect("a session");
    let mut shows_people = |folder: &str| {
        let photos = fs::read_dir(assets.join("photos").join(folder)).expect("the folder is there");
        let seen: Vec<bool> = photos
            .map(|entry| detector.detect(&photo(&entry.expect("readable").path())).expect("it can be looked at"))
            .map(|seen| !seen.is_empty())
            .collect();
        (seen.iter().filter(|seen| **seen).count(), seen.len())
    };
    let (with, all) = shows_people("people");
    assert!(with * 10 >= all * 6, "it sees people in only {with} of {all} photos of people");
    let (without, all) = shows_people("nopeople");
    assert!(without * 10 <= all * 3, "it sees people in {without} of {all} photos without");
}

#[test]
fn yolox_agrees_with_the_reference() {
    agrees("models/yolox_nano_416.onnx");
}

#[test]
fn nanodet_agrees_with_the_reference() {
    agrees("models/nanodet_m_416.onnx");
}

#[test]
fn fastestdet_agrees_with_the_reference() {
    agrees("models/fastestdet_352.onnx");
}

#[test]
fn decoded_boxes_agree_with_the_reference() {
    agrees("candidate/person_416x416.onnx");
}

/// Writes the photos as this test sees them, as `people/NAME_640x480.i420`, for `make_reference.py`.
#[test]
#[ignore = "writes files, to LOOKOUT_PHOTOS"]
fn write_the_photos() {
    let target = PathBuf::from(std::env::var_os("LOOKOUT_PHOTOS").expect("LOOKOUT_PHOTOS names a folder"));
    let photos = assets().expect("there are photos").join("photos");
    for kind in ["people", "nopeople"] {
        fs::create_dir_all(target.join(kind)).expect("a folder");
        for entry in fs::read_dir(photos.join(kind)).expect("a folder of photos") {
            let path = entry.expect("an entry").path();
            let picture = photo(&path);
            let name = path.file_stem().expect("a name").to_string_lossy();
            let size = format!("{}x{}", picture.width(), picture.height());
            let (y, u, v) = picture.planes();
            let file = target.join(kind).join(format!("{name}_{size}.i420"));
            fs::write(file, [y, u, v].concat()).expect("written");
        }
    }
}
