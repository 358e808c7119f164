use std::{io, path::PathBuf, time::Duration};

use crate::{camera::DecodeError, simulate::SimulateError};

/// Why a file gives no picture. Each text names the file and a way out.
#[derive(Debug, thiserror::Error)]
pub enum FootageError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than a photo may be.
    #[error("{}: larger than {limit} MiB; photos of that size are not read: make it smaller", file.display())]
    TooManyBytes {
        /// Which file.
        file: PathBuf,
        /// The limit in MiB.
        limit: u64,
    },
    /// The picture has more pixels than one may have.
    #[error("{}: {width} x {height} pixels are more than {limit} megapixels; make it smaller", file.display())]
    TooManyPixels {
        /// Which file.
        file: PathBuf,
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// The limit in millions.
        limit: usize,
    },
    /// Neither JPEG nor PNG.
    #[error("{}: no JPEG and no PNG; convert it to one of them", file.display())]
    UnknownStill {
        /// Which file.
        file: PathBuf,
    },
    /// A photo that is damaged or of an unusual kind.
    #[error("{}: damaged, or of a kind that is not supported ({message}); save it anew, or leave it out", file.display())]
    Broken {
        /// Which file.
        file: PathBuf,
        /// What the decoder says.
        message: String,
    },
    /// Neither a photo nor a clip that can be read.
    #[error("{source} (photos are to be JPEG or PNG)")]
    Clip {
        /// What the reader of clips says, with the file's name.
        source: SimulateError,
    },
    /// A picture of a clip cannot be decoded; it goes on with the next key frame.
    #[error("{}: damaged {:.3} s after its begin ({source}); what follows is left out until the next key frame", file.display(), at.as_secs_f64())]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// Where in the clip.
        at: Duration,
        /// What the decoder says.
        source: DecodeError,
    },
}
