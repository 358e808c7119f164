//! COCO's format for detection (Lin et al., 2014; cocodataset.org, "data format").

use std::{collections::HashMap, io::Read};

use serde::Deserialize;

use super::{Photos, Pixels};
use crate::evaluate::PERSON;

#[derive(Deserialize)]
struct Coco {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    width: f64,
    height: f64,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u64,
    /// Left, top, width, height.
    bbox: [f64; 4],
    /// A group, in which single people are not marked.
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

pub(super) fn read(reader: impl Read) -> Photos {
    let coco: Coco = serde_json::from_reader(reader)?;
    let Some(person) = coco.categories.iter().find(|category| category.name == PERSON).map(|category| category.id)
    else {
        return Ok(Err(format!(
            "no category is named \"{PERSON}\"; add it to categories, or rename the one that is meant"
        )));
    };
    let pixels = |image: &Image| Pixels {
        file: image.file_name.clone(),
        width: image.width,
        height: image.height,
        people: Vec::new(),
        ignore: Vec::new(),
        source: None,
    };
    let mut photos: Vec<Pixels> = coco.images.iter().map(pixels).collect();
    let places: HashMap<u64, usize> = coco.images.iter().enumerate().map(|(i, image)| (image.id, i)).collect();
    for Annotation { image_id, bbox: [left, top, width, height], iscrowd, .. } in
        coco.annotations.into_iter().filter(|annotation| annotation.category_id == person)
    {
        let Some(photo) = places.get(&image_id).and_then(|&place| photos.get_mut(place)) else {
            return Ok(Err(format!("an annotation is of image {image_id}, which is not in images")));
        };
        let boxes = if iscrowd == 0 { &mut photo.people } else { &mut photo.ignore };
        boxes.push([left, top, left + width, top + height]);
    }
    Ok(photos.into_iter().map(Pixels::photo).collect())
}
