use super::*;
use crate::{detect::heads::Layout, testing::asset};

/// One field of a protocol buffer message: bytes under a number.
fn field(number: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let length = u8::try_from(bytes.len()).expect("test models are small");
    assert!(length < 128, "one byte of length");
    [&[number << 3 | 2, length], bytes].concat()
}

fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

/// An ONNX model that returns its input, of float numbers and this shape; 0 stands for a size left open.
fn identity(shape: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = shape
        .iter()
        .enumerate()
        .flat_map(|(i, &d)| match d {
            0 => field(1, field(2, [b'a' + i as u8])),
            d => field(1, number(1, d)),
        })
        .collect();
    let value = |name: &str| {
        let tensor = [number(1, 1), field(2, &dims)].concat();
        [field(1, name), field(2, field(1, tensor))].concat()
    };
    let node = [field(1, "x"), field(2, "y"), field(4, "Identity")].concat();
    let graph = [field(1, node), field(2, "g"), field(11, value("x")), field(12, value("y"))].concat();
    [number(1, 8), field(7, graph), field(8, number(2, 13))].concat()
}

fn load(onnx: &[u8], sidecar: &str) -> Result<Model, DetectError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.onnx");
    fs::write(&path, onnx).expect("written");
    fs::write(folder.path().join("m.toml"), sidecar).expect("written");
    Model::load(&path)
}

#[test]
fn a_size_left_open_comes_from_the_sidecar() {
    let open = identity(&[0, 3, 0, 0]);
    let error = load(&open, "").expect_err("no size").to_string();
    assert!(error.contains("size = [width, height]"), "{error}");
    // With a size it gets as far as its outputs, which are no detector's.
    let error = load(&open, "size = [96, 64]").expect_err("no detector");
    assert!(error.to_string().contains("[[1, 3, 64, 96]]"), "{error}");
    let error = load(&identity(&[1, 3, 64, 96]), "size = [96, 96]").expect_err("96 is not 64");
    assert!(error.to_string().contains("another size"), "{error}");
}

#[test]
fn an_input_that_is_no_picture_is_named() {
    for shape in [&[1, 3, 64][..], &[1, 1, 64, 64], &[2, 3, 64, 64]] {
        let error = load(&identity(shape), "").expect_err("no picture");
        assert!(matches!(error, DetectError::Input { .. }), "{error}");
    }
}

#[test]
fn labels_must_be_as_many_as_classes() {
    // 6 channels: one class of FastestDet's layout, were the input one.
    let shapes = |channels| vec![vec![1, channels, 2, 2]];
    let head = |channels| Head::new(None, shapes(channels), (64, 64), &[32]).expect("it fits");
    let said =
        |names: &[&str]| Sidecar { labels: Some(names.iter().map(|&n| n.to_owned()).collect()), ..Sidecar::default() };
    let named = labels(&head(7), &said(&["person", "parcel"])).expect("two of two");
    assert_eq!(named, Labels::new(["person", "parcel"]));
    let error = labels(&head(7), &said(&["person"])).expect_err("one of two");
    assert!(error.to_string().contains("2 classes"), "{error}");
    assert!(labels(&head(7), &Sidecar::default()).is_err());
    let person = labels(&head(6), &Sidecar::default()).expect("one class");
    assert_eq!(person, Labels::person());
}

#[test]
fn what_is_no_model_is_an_error() {
    assert!(matches!(load(b"garbage", ""), Err(DetectError::Model { .. } | DetectError::Input { .. })));
    assert!(load(b"", "").is_err());
    let missing = Model::load(Path::new("/nowhere/m.onnx"));
    assert!(matches!(missing, Err(DetectError::Read { .. })));
    let Some(path) = asset("models/yolox_nano_416.onnx") else {
        return;
    };
    let whole = fs::read(path).expect("it is there");
    for part in 1..8 {
        assert!(load(&whole[..whole.len() * part / 8], "").is_err());
    }
}

#[test]
fn real_models_are_recognised() {
    for (name, layout, size, labels) in [
        ("models/yolox_nano_416.onnx", Layout::Yolox, (416, 416), 80),
        ("models/nanodet_m_416.onnx", Layout::Nanodet, (416, 416), 80),
        ("models/fastestdet_352.onnx", Layout::Fastestdet, (352, 352), 80),
        ("candidate/person_416x416.onnx", Layout::Decoded, (416, 416), 1),
        ("candidate/person_512x288.onnx", Layout::Decoded, (512, 288), 1),
    ] {
        let Some(path) = asset(name) else {
            return;
        };
        let model = Model::load(&path).expect("it loads");
        assert_eq!(model.head.layout(), layout, "{name}");
        assert_eq!(model.preparation.size, size, "{name}");
        assert_eq!(model.labels.len(), labels, "{name}");
    }
}

#[test]
fn the_embedded_model_loads_and_knows_people() {
    let model = Model::open(&ModelSource::Embedded).expect("it loads");
    assert!(model.labels.select(&["person".into()]).is_ok());
    let said = model.min_score;
    assert!((0.1..0.9).contains(&said), "chosen where it was trained: {said}");
}

#[test]
fn the_least_score_is_the_sidecars() {
    let brightness = include_bytes!("../../../tests/fixtures/brightness.onnx");
    let min_score = |sidecar| load(brightness, sidecar).map(|model| model.min_score);
    assert_eq!(min_score("").expect("an empty sidecar is fine"), Sidecar::default().min_score());
    assert_eq!(min_score("min_score = 0.25").expect("a sound sidecar"), 0.25);
    let error = min_score("min_score = 2").expect_err("2 is no score").to_string();
    assert!(error.contains("m.toml: min_score"), "{error}");
}

#[test]
fn the_input_is_reused_from_run_to_run() {
    let Some(path) = asset("models/fastestdet_352.onnx") else {
        return;
    };
    let model = Model::load(&path).expect("it loads");
    let mut session = model.session().expect("a state");
    let first = session.input().expect("numbers").as_ptr();
    let seen: Vec<Vec<f32>> = (0..3)
        .map(|_| {
            let input = session.input().expect("numbers");
            assert_eq!(input.as_ptr(), first, "no copy");
            input.fill(0.5);
            let outputs = session.infer().expect("it runs");
            let arrays = outputs.arrays().expect("floats");
            arrays[0].iter().copied().collect()
        })
        .collect();
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}
