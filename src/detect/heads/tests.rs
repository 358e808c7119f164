use ndarray::{Array3, Array4, ArrayD};

use super::*;

const SIZE: (usize, usize) = (64, 32);
const STRIDES: [usize; 3] = [8, 16, 32];
/// 8 x 4, 4 x 2 and 2 x 1 cells.
const CELLS: usize = 32 + 8 + 2;

fn found(head: &Head, outputs: &[ArrayD<f32>], min_score: f32) -> Vec<Candidate> {
    let mut kept = Vec::new();
    let wanted = vec![true; head.classes().unwrap_or(80)];
    let mut sieve = Sieve { wanted: &wanted, min_score, kept: &mut kept };
    let views: Vec<_> = outputs.iter().map(|o| o.view()).collect();
    head.read(&views, &mut sieve).expect("the shapes are the head's");
    kept
}

fn head(layout: Option<Layout>, outputs: &[ArrayD<f32>]) -> Head {
    let shapes = outputs.iter().map(|o| o.shape().to_vec()).collect();
    Head::new(layout, shapes, SIZE, &STRIDES).expect("the shapes fit")
}

fn assert_box(found: &Candidate, class: usize, score: f32, edges: [f32; 4]) {
    assert_eq!(found.class, class);
    assert!((found.score - score).abs() < 1e-5, "{found:?}");
    for (a, b) in found.edges.iter().zip(edges) {
        assert!((a - b).abs() < 1e-3, "{found:?} is not {edges:?}");
    }
}

#[test]
fn yolox_adds_the_cell_and_takes_the_exponential() {
    let mut output = Array3::<f32>::zeros((1, CELLS, 5 + 3));
    // The second level begins at 32; its cell 5 is column 1, row 1.
    let row = [0.5, 0.25, 2f32.ln(), 0.5f32.ln(), 0.8, 0.1, 0.9, 0.2];
    for (column, value) in row.into_iter().enumerate() {
        output[[0, 32 + 5, column]] = value;
    }
    let outputs = [output.into_dyn()];
    let head = head(None, &outputs);
    assert_eq!((head.layout(), head.classes()), (Layout::Yolox, Some(3)));
    let boxes = found(&head, &outputs, 0.3);
    assert_eq!(boxes.len(), 1);
    assert_box(&boxes[0], 1, 0.72, [8.0, 16.0, 40.0, 24.0]);
    assert!(found(&head, &outputs, 0.73).is_empty());
}

#[test]
fn yolov8_reads_columns() {
    let mut output = Array3::<f32>::zeros((1, 4 + 2, CELLS));
    for (row, value) in [20.0, 10.0, 8.0, 4.0, 0.2, 0.6].into_iter().enumerate() {
        output[[0, row, 7]] = value;
    }
    let outputs = [output.into_dyn()];
    let head = head(None, &outputs);
    assert_eq!((head.layout(), head.classes()), (Layout::Yolov8, Some(2)));
    let boxes = found(&head, &outputs, 0.5);
    assert_eq!(boxes.len(), 1);
    assert_box(&boxes[0], 1, 0.6, [16.0, 8.0, 24.0, 12.0]);
}

#[test]
fn nanodet_takes_the_mean_of_the_distances() {
    let level = |n: usize, c: usize| Array3::<f32>::zeros((1, n, c)).into_dyn();
    let mut outputs: Vec<ArrayD<f32>> = [32, 8, 2].map(|n| level(n, 4)).into();
    outputs.extend([32, 8, 2].map(|n| level(n, 32)));
    // Second level, column 2, row 1: centre (39.5, 23.5).
    outputs[1][[0, 6, 3]] = 0.7;
    for (edge, bin) in [1, 0, 1, 0].into_iter().enumerate() {
        outputs[4][[0, 6, edge * 8 + bin]] = 100.0;
    }
    // The lower edge is undecided between one and two cells.
    outputs[4][[0, 6, 24]] = 0.0;
    outputs[4][[0, 6, 25]] = 100.0;
    outputs[4][[0, 6, 26]] = 100.0;
    let head = head(None, &outputs);
    assert_eq!((head.layout(), head.classes()), (Layout::Nanodet, Some(4)));
    let boxes = found(&head, &outputs, 0.5);
    assert_eq!(boxes.len(), 1);
    assert_box(&boxes[0], 3, 0.7, [23.5, 23.5, 55.5, 47.5]);
}

#[test]
fn decoded_boxes_are_taken_as_they_are() {
    let rows = [[1.0, 2.0, 3.0, 5.0, 0.9], [9.0, 9.0, 4.0, 12.0, 0.9]];
    let output = Array3::from_shape_fn((1, 2, 5), |(_, r, c)| rows[r][c]);
    let outputs = [output.into_dyn()];
    let plain = head(None, &outputs);
    assert_eq!((plain.layout(), plain.classes()), (Layout::Decoded, Some(1)));
    let boxes = found(&plain, &outputs, 0.5);
    assert_eq!(boxes.len(), 1, "the second has no width");
    assert_box(&boxes[0], 0, 0.9, [1.0, 2.0, 3.0, 5.0]);

    let with_class = Array3::from_shape_fn((1, 3, 6), |(_, r, c)| [0.0, 0.0, 2.0, 2.0, 0.6, [5.0, -1.0, 1e9][r]][c]);
    let outputs = [with_class.into_dyn()];
    let classes: Vec<usize> = found(&head(None, &outputs), &outputs, 0.5).iter().map(|c| c.class).collect();
    assert_eq!(classes, [5, 0], "a class that no label names is left out");
}

#[test]
fn fastestdet_weighs_objectness_and_class() {
    let mut output = Array4::<f32>::zeros((1, 5 + 2, 2, 4));
    let cell = [0.5, 0.0, 0.0, 0.0, 0.0, 0.1, 0.9];
    for (channel, value) in cell.into_iter().enumerate() {
        output[[0, channel, 1, 2]] = value;
    }
    let outputs = [output.into_dyn()];
    let head = head(None, &outputs);
    assert_eq!((head.layout(), head.classes()), (Layout::Fastestdet, Some(2)));
    let boxes = found(&head, &outputs, 0.3);
    assert_eq!(boxes.len(), 1);
    let score = 0.5f32.powf(0.6) * 0.9f32.powf(0.4);
    assert_box(&boxes[0], 1, score, [16.0, 8.0, 48.0, 24.0]);
}

#[test]
fn what_is_no_number_is_no_box() {
    let rows = [[f32::NAN, 2.0, 3.0, 5.0, 0.9], [1.0, 2.0, f32::INFINITY, 5.0, 0.9], [1.0, 2.0, 3.0, 5.0, f32::NAN]];
    let outputs = [Array3::from_shape_fn((1, 3, 5), |(_, r, c)| rows[r][c]).into_dyn()];
    assert!(found(&head(None, &outputs), &outputs, 0.0).is_empty());
}

#[test]
fn only_wanted_classes_pass() {
    let mut output = Array3::<f32>::zeros((1, 4 + 2, CELLS));
    for (row, value) in [20.0, 10.0, 8.0, 4.0, 0.2, 0.6].into_iter().enumerate() {
        output[[0, row, 7]] = value;
    }
    let output = output.into_dyn();
    let mut kept = Vec::new();
    let mut sieve = Sieve { wanted: &[true, false], min_score: 0.1, kept: &mut kept };
    head(None, std::slice::from_ref(&output)).read(&[output.view()], &mut sieve).expect("it fits");
    assert!(kept.is_empty(), "the best class is the second, which is not wanted");
}

#[test]
fn shapes_that_fit_nothing_are_refused_with_the_shapes() {
    let error = Head::new(None, vec![vec![1, 99, 85]], SIZE, &STRIDES).expect_err("99 cells");
    assert!(error.to_string().contains("[[1, 99, 85]]"), "{error}");
    let yolox = Some(Layout::Yolox);
    assert!(Head::new(yolox, vec![vec![1, 99, 85]], SIZE, &STRIDES).is_err());
    assert!(Head::new(yolox, vec![vec![1, CELLS, 6]], SIZE, &STRIDES).is_ok(), "one class, by sidecar");
    assert!(Head::new(None, vec![vec![]], SIZE, &STRIDES).is_err());
    assert!(Head::new(None, vec![], SIZE, &STRIDES).is_err());
}

#[test]
fn an_array_of_another_shape_is_an_error_not_a_panic() {
    let head = Head::new(None, vec![vec![1, CELLS, 85]], SIZE, &STRIDES).expect("YOLOX");
    let other = Array3::<f32>::zeros((1, CELLS - 1, 85)).into_dyn();
    let mut kept = Vec::new();
    let mut sieve = Sieve { wanted: &[true], min_score: 0.1, kept: &mut kept };
    assert!(head.read(&[other.view()], &mut sieve).is_err());
    assert!(head.read(&[], &mut sieve).is_err());
}

#[test]
fn what_may_be_yolox_with_one_class_has_to_be_said() {
    let one_class = vec![vec![1, 3549, 6]];
    assert_eq!(Layout::recognise(&one_class, (416, 416), &[8, 16, 32]), None, "offsets would be read as edges");
    assert_eq!(Layout::recognise(&[vec![1, 300, 6]], (416, 416), &[8, 16, 32]), Some(Layout::Decoded));
}
