//! The plain format: a list of photos with their boxes.

use std::{io::Read, sync::Arc};

use serde::Deserialize;

use super::{Photos, Pixels};

#[derive(Deserialize)]
struct Entry {
    file: String,
    width: f64,
    height: f64,
    boxes: Vec<[f64; 4]>,
    #[serde(default)]
    ignore: Vec<[f64; 4]>,
    source: Option<Arc<str>>,
}

pub(super) fn read(reader: impl Read) -> Photos {
    let entries: Vec<Entry> = serde_json::from_reader(reader)?;
    let photo = |entry: Entry| {
        let Entry { file, width, height, boxes, ignore, source } = entry;
        Pixels { file, width, height, people: boxes, ignore, source }.photo()
    };
    Ok(entries.into_iter().map(photo).collect())
}
