//! Pictures out of files: photos (JPEG, PNG) and clips (H.264), as the pictures that cameras give.

mod clip;
mod error;
mod orientation;
mod still;

use std::{fs::File, io::Read as _, path::Path, time::Duration};

pub use clip::{Sample, Samples};
pub use error::FootageError;
pub use still::{MOST_PIXELS, read_still};

use crate::media::I420;

/// What a file holds.
#[derive(Debug)]
pub enum Footage {
    /// One picture.
    Still(I420),
    /// Pictures over time.
    Clip(Box<Samples>),
}

/// Opens a photo or a clip, told apart by how they begin. Of a clip there is one picture per `every`; all of them
/// where that is zero.
///
/// # Errors
/// When the file cannot be read or is of neither kind; the error names the file and a way out.
pub fn open(path: &Path, every: Duration) -> Result<Footage, FootageError> {
    let mut begin = Vec::new();
    File::open(path)
        .and_then(|file| file.take(8).read_to_end(&mut begin))
        .map_err(|source| FootageError::Unreadable { file: path.to_owned(), source })?;
    if still::Kind::of(&begin).is_some() {
        return read_still(path).map(Footage::Still);
    }
    Samples::read(path, every).map(|samples| Footage::Clip(Box::new(samples)))
}
