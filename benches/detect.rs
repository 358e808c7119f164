//! From a frame to boxes: prepare, infer, suppress, and the slot in which the newest frame waits.

use std::{hint::black_box, path::Path, sync::Arc};

use criterion::{BatchSize, Criterion};
use lookout::{
    detect::{
        Detector, Model, Task,
        agreement::{Agreement, settle},
        heads::Layout,
        jpeg,
        nms::Candidate,
        prepare::Preparer,
    },
    media::{I420, Latest},
    settings,
};

use crate::testing::asset;

/// All benches of this room.
pub(crate) fn benches(c: &mut Criterion) {
    prepare(c);
    infer(c);
    settling(c);
    slot(c);
    annotate(c);
}

/// A picture of numbers that look random.
fn picture(width: usize, height: usize) -> I420 {
    let length = width * height + 2 * width.div_ceil(2) * height.div_ceil(2);
    let bytes = (0..length as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    I420::from_packed(width, height, bytes).expect("the length fits")
}

fn prepare(c: &mut Criterion) {
    let mut group = c.benchmark_group("prepare to 416 x 416");
    for (width, height) in [(640, 480), (1280, 720), (1920, 1080), (3840, 2160)] {
        let picture = picture(width, height);
        let mut preparer = Preparer::new(Layout::Yolox.preparation((416, 416)));
        let mut tensor = vec![0.0; preparer.len()];
        group.bench_function(format!("from {width} x {height}"), |b| {
            b.iter(|| preparer.prepare(black_box(&picture), &mut tensor));
        });
    }
}

fn infer(c: &mut Criterion) {
    let mut group = c.benchmark_group("infer, one thread");
    group.sample_size(30);
    if let Some(path) = std::env::var_os("LOOKOUT_MODEL") {
        let model = Arc::new(Model::load(Path::new(&path)).expect("the model loads"));
        let mut session = model.session().expect("a state");
        group.bench_function("LOOKOUT_MODEL", |b| b.iter(|| session.infer().expect("it runs")));
    }
    for name in [
        "models/yolox_nano_416.onnx",
        "models/nanodet_m_416.onnx",
        "models/fastestdet_352.onnx",
        "candidate/person_512x288.onnx",
    ] {
        let Some(path) = asset(name) else {
            continue;
        };
        let model = Arc::new(Model::load(&path).expect("the model loads"));
        let mut session = model.session().expect("a state");
        group.bench_function(name, |b| b.iter(|| session.infer().expect("it runs")));
        if name.contains("yolox") {
            let asked = settings::Detector {
                model: settings::ModelSource::File(path),
                labels: vec!["person".into()],
                min_score: Some(0.3),
                max_overlap: 0.5,
                workers: 1,
            };
            let task = Task::new(model, &asked).expect("it knows people");
            let mut detector = task.detector().expect("a state");
            let picture = picture(1280, 720);
            group.bench_function("the whole detection of a 720p frame, YOLOX", |b| {
                b.iter(|| detector.detect(&picture).expect("it runs"));
            });
        }
    }
}

fn settling(c: &mut Criterion) {
    // A crowd: many boxes round each of 50 people.
    let boxes: Vec<Candidate> = (0..1000)
        .map(|i| {
            let at = (i % 50) as f32 * 8.0;
            let shift = (i / 50) as f32 * 0.5;
            Candidate {
                class: 0,
                score: ((i * 7919) % 1000) as f32 / 1000.0,
                edges: [at + shift, shift, at + shift + 20.0, shift + 60.0],
            }
        })
        .collect();
    let (agreement, mut voters) = (Agreement { offset: -1.5, own: 0.6, support: 1.2 }, Vec::new());
    c.bench_function("settle 1000 boxes", |b| {
        let settle = |boxes: &mut Vec<Candidate>| settle(boxes, &mut voters, Some(&agreement), 0.5, 0.4);
        b.iter_batched_ref(|| boxes.clone(), settle, BatchSize::SmallInput);
    });
}

fn slot(c: &mut Criterion) {
    let slot = Latest::default();
    c.bench_function("slot: put, supersede, take", |b| {
        b.iter(|| {
            slot.put(black_box(1));
            slot.put(black_box(2));
            slot.take()
        });
    });
}

fn annotate(c: &mut Criterion) {
    let picture = picture(1280, 720);
    c.bench_function("JPEG of a 720p frame", |b| {
        b.iter(|| jpeg(black_box(&picture), &[], true, 80));
    });
}
