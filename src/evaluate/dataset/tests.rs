use std::fs;

use super::*;

fn read(text: &str) -> Result<Dataset, EvaluateError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("people.json");
    fs::write(&file, text).expect("written");
    Dataset::read(&file, None)
}

fn edges(boxes: &[Rect]) -> Vec<[f32; 4]> {
    boxes.iter().map(|r| [r.x, r.y, r.x + r.w, r.y + r.h]).collect()
}

#[test]
fn a_list_is_read() {
    let text = r#" [
        {"file": "a/1.jpg", "width": 400, "height": 200, "boxes": [[40, 20, 80, 100], [0, 0, 400, 200]],
         "ignore": [[200.5, 0, 400, 50]], "source": "street", "comment": "unknown keys are left alone"},
        {"file": "2.png", "width": 10, "height": 10, "boxes": []}
    ]"#;
    let photos = read(text).expect("it is in order").photos;
    assert_eq!((photos[0].file.as_str(), photos[0].width, photos[0].height), ("a/1.jpg", 400, 200));
    assert_eq!(edges(&photos[0].people), [[0.1, 0.1, 0.2, 0.5], [0.0, 0.0, 1.0, 1.0]]);
    assert_eq!(edges(&photos[0].ignore), [[0.50125, 0.0, 1.0, 0.25]]);
    assert_eq!(photos[0].source.as_deref(), Some("street"));
    assert_eq!((photos[1].people.len(), photos[1].ignore.len(), photos[1].source.as_deref()), (0, 0, None));
}

#[test]
fn coco_is_read() {
    let text = r#"{"info": {"year": 2017},
        "images": [{"id": 7, "file_name": "7.jpg", "width": 100, "height": 50, "license": 1},
                   {"id": 3, "file_name": "3.jpg", "width": 10, "height": 10}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 9, "bbox": [10, 5, 20, 40], "iscrowd": 0, "area": 1, "segmentation": [[1, 2]]},
            {"id": 2, "image_id": 7, "category_id": 9, "bbox": [50, 0, 50, 50], "iscrowd": 1, "segmentation": {"counts": [1]}},
            {"id": 3, "image_id": 7, "category_id": 2, "bbox": [0, 0, 5, 5]},
            {"id": 4, "image_id": 3, "category_id": 9, "bbox": [1, 1, 2, 2]}],
        "categories": [{"id": 2, "name": "dog"}, {"id": 9, "name": "person", "supercategory": "person"}]}"#;
    let photos = read(text).expect("it is in order").photos;
    let files: Vec<&str> = photos.iter().map(|photo| photo.file.as_str()).collect();
    assert_eq!(files, ["7.jpg", "3.jpg"], "in the order of the images");
    assert_eq!(edges(&photos[0].people), [[0.1, 0.1, 0.3, 0.9]]);
    assert_eq!(edges(&photos[0].ignore), [[0.5, 0.0, 1.0, 1.0]]);
    assert_eq!(edges(&photos[1].people), [[0.1, 0.1, 0.3, 0.3]]);
}

#[test]
fn what_cannot_be_meant_is_named_with_the_file() {
    let coco = |images: &str, annotations: &str, name: &str| {
        format!(
            r#"{{"images": [{images}], "annotations": [{annotations}], "categories": [{{"id": 1, "name": "{name}"}}]}}"#
        )
    };
    let image = r#"{"id": 1, "file_name": "x.jpg", "width": 9, "height": 9}"#;
    for (text, named) in [
        ("", "COCO"),
        ("[1]", "line 1"),
        ("[]", "no photo"),
        ("{\"images\": []}", "annotations"),
        (r#"[{"file": "a.jpg", "width": 9, "height": 0, "boxes": []}]"#, "a.jpg"),
        (r#"[{"file": "a.jpg", "width": 9, "height": 9, "boxes": [[5, 5, 4, 6]]}]"#, "[5, 5, 4, 6]"),
        (r#"[{"file": "a.jpg", "width": 9, "height": 9, "boxes": [[1, 2, 3]]}]"#, "line 1"),
        (r#"[{"file": "a.jpg", "width": 9, "height": 9, "boxes": [[1, 2, 3, 1e999]]}]"#, "out of range"),
        (&coco(image, "", "people"), "\"person\""),
        (&coco(image, r#"{"image_id": 2, "category_id": 1, "bbox": [1, 1, 1, 1]}"#, "person"), "image 2"),
        (&coco(image, r#"{"image_id": 1, "category_id": 1, "bbox": [1, 1, -1, 1]}"#, "person"), "x.jpg"),
    ] {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(named) && error.contains("people.json"), "{text}: {error}");
    }
    let error = Dataset::read(Path::new("/nowhere/d.json"), None).expect_err("no file").to_string();
    assert!(error.contains("/nowhere/d.json"), "{error}");
}

#[test]
fn a_file_beyond_the_bound_is_refused_unread() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("endless.json");
    // A hole: it takes no space on the disk.
    File::create(&file).and_then(|f| f.set_len((MOST_MIB << 20) + 1)).expect("a file with a hole");
    let error = Dataset::read(&file, None).expect_err("too large").to_string();
    assert!(error.contains("endless.json") && error.contains("512 MiB"), "{error}");
}

#[test]
fn photos_are_beside_or_in_the_folder_of_that_name_or_where_it_is_said() {
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name);
    for name in ["people/named.jpg", "sub/beside.jpg", "people/sub/beside.jpg", "elsewhere/flat.jpg"] {
        fs::create_dir_all(at(name).parent().expect("a folder")).expect("made");
        fs::write(at(name), "").expect("written");
    }
    let entry = |name: &str| format!(r#"{{"file": "{name}", "width": 9, "height": 9, "boxes": []}}"#);
    let text = ["named.jpg", "sub/beside.jpg", "deep/flat.jpg", "missing.jpg"].map(entry).join(",");
    fs::write(at("people.json"), format!("[{text}]")).expect("written");
    let paths = |images: Option<&Path>| {
        let dataset = Dataset::read(&at("people.json"), images).expect("in order");
        dataset.photos.iter().map(|photo| dataset.path(photo)).collect::<Vec<_>>()
    };
    let beside = ["people/named.jpg", "sub/beside.jpg", "deep/flat.jpg", "missing.jpg"];
    assert_eq!(paths(None), beside.map(at));
    let said = ["elsewhere/named.jpg", "elsewhere/sub/beside.jpg", "elsewhere/flat.jpg", "elsewhere/missing.jpg"];
    assert_eq!(paths(Some(&at("elsewhere"))), said.map(at));
}
