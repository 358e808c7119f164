//! Photos and the people in them.

mod coco;
mod list;

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::EvaluateError;
use crate::words::Rect;

/// COCO's training annotations, the largest in use, have 450 MiB.
const MOST_MIB: u64 = 512;

/// Photos and where they are.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The photos, in the file's order.
    pub photos: Vec<Photo>,
    folders: Folders,
}

/// One photo of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Photo {
    /// Its file as the dataset names it.
    pub file: String,
    /// Pixels in a row, as the dataset says.
    pub width: usize,
    /// Rows, as the dataset says.
    pub height: usize,
    /// Where people are, in parts of the picture.
    pub people: Vec<Rect>,
    /// Where nothing counts: crowds, what is hard to tell.
    pub ignore: Vec<Rect>,
    /// Which collection it comes from, where the dataset says so.
    pub source: Option<Arc<str>>,
}

#[derive(Debug, Clone)]
enum Folders {
    /// Beside the dataset, or in the folder beside it that carries its name.
    Beside { beside: PathBuf, named: PathBuf },
    /// In this one.
    In(PathBuf),
}

impl Dataset {
    /// Reads a dataset of either format: a list of `{file, width, height, boxes: [[x1, y1, x2, y2]], ignore, source}`
    /// in pixels, or COCO's detection format (Lin et al., 2014), of which the category "person" counts and a box with
    /// `iscrowd` is ignored. Photos are in `images` or, where that is `None`, beside the dataset, or in a folder beside
    /// it that has its name without `.json`.
    ///
    /// # Errors
    /// When the file cannot be read, is too large, of another format, or says what cannot be.
    pub fn read(file: &Path, images: Option<&Path>) -> Result<Self, EvaluateError> {
        let unreadable = |source| EvaluateError::Unreadable { file: file.to_owned(), source };
        let opened = File::open(file).map_err(unreadable)?;
        if opened.metadata().map_err(unreadable)?.len() > MOST_MIB << 20 {
            return Err(EvaluateError::TooLarge { file: file.to_owned(), limit: MOST_MIB });
        }
        let mut reader = BufReader::with_capacity(1 << 16, opened.take(MOST_MIB << 20));
        let first = reader.fill_buf().map_err(unreadable)?.iter().find(|b| !b.is_ascii_whitespace()).copied();
        let photos = match first {
            Some(b'{') => coco::read(reader),
            _ => list::read(reader),
        };
        let photos = photos.map_err(|source| EvaluateError::Format { file: file.to_owned(), source })?;
        let content = |fault: String| EvaluateError::Content { file: file.to_owned(), fault };
        let photos = photos.and_then(|photos| check(&photos).map(|()| photos)).map_err(content)?;
        let folders = match images {
            Some(folder) => Folders::In(folder.to_owned()),
            None => Folders::Beside {
                beside: file.parent().map(Path::to_owned).unwrap_or_default(),
                named: file.with_extension(""),
            },
        };
        Ok(Self { photos, folders })
    }

    /// Where a photo is, or would be.
    pub fn path(&self, photo: &Photo) -> PathBuf {
        let name = Path::new(&photo.file);
        let (usual, other) = match &self.folders {
            Folders::Beside { beside, named } => (beside.join(name), Some(named.join(name))),
            Folders::In(folder) => (folder.join(name), name.file_name().map(|last| folder.join(last))),
        };
        other.filter(|other| !usual.exists() && other.exists()).unwrap_or(usual)
    }
}

/// What either format says in pixels.
struct Pixels {
    file: String,
    width: f64,
    height: f64,
    people: Vec<[f64; 4]>,
    ignore: Vec<[f64; 4]>,
    source: Option<Arc<str>>,
}

impl Pixels {
    /// Edges in pixels become parts of the picture.
    fn photo(self) -> Result<Photo, String> {
        let Self { file, width, height, people, ignore, source } = self;
        let sizes = 1.0..=65_535.0;
        if !sizes.contains(&width) || !sizes.contains(&height) {
            return Err(format!("{file}: a photo cannot be {width} x {height} pixels; correct width and height"));
        }
        let part = |[left, top, right, bottom]: [f64; 4]| {
            if right < left || bottom < top {
                return Err(format!(
                    "{file}: the box [{left}, {top}, {right}, {bottom}] ends before it begins; boxes are [x1, y1, x2, y2]"
                ));
            }
            let edge = |pixels: f64, of: f64| (pixels / of) as f32;
            Ok(Rect::from_edges(edge(left, width), edge(top, height), edge(right, width), edge(bottom, height)))
        };
        let people = people.into_iter().map(part).collect::<Result<_, _>>()?;
        let ignore = ignore.into_iter().map(part).collect::<Result<_, _>>()?;
        Ok(Photo { file, width: width as usize, height: height as usize, people, ignore, source })
    }
}

/// A reader's outcome: the outer error is the JSON's, the inner one the content's.
type Photos = serde_json::Result<Result<Vec<Photo>, String>>;

fn check(photos: &[Photo]) -> Result<(), String> {
    match photos {
        [] => Err("there is no photo in it".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
