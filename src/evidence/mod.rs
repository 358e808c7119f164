//! The pictures of events: encoded, written into the spool (a folder of this machine), from there into the store, and
//! then attached to their event. Nothing leaves the spool before the store has it and the outbox knows where.
//!
//! `group` and `uplink` decide, `spool` and `store` know disk and network, `actor` does.

mod actor;
mod attempt;
mod encoding;
mod group;
mod key;
mod pictures;
mod removal;
mod spool;
mod store;
#[cfg(test)]
mod tests;
mod threads;
mod uplink;

use std::{error::Error, path::PathBuf};

pub use actor::{Drain, Evidence};
pub use pictures::{PictureError, Pictures};
pub use spool::left_in;

use crate::{media::I420, tls::CaFileError, words::Detection};

/// No picture is larger: a file that is was not written by this program, and of an answer that is no more is read.
const PICTURE_AT_MOST: usize = 16 << 20;

/// Makes a JPEG: of the picture, with what was seen in it, drawn in where the flag says so, in a quality of 1 to 100.
pub type Encode =
    dyn Fn(&I420, &[Detection], bool, u8) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> + Send + Sync + 'static;

/// Why pictures cannot be kept. No text carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The folder where pictures wait cannot be used.
    #[error("cannot use the folder {} for pictures: {source}", path.display())]
    Spool {
        /// Which folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The template of names does not serve.
    #[error("\"{key}\" is no name for pictures: {why}")]
    Key {
        /// The template.
        key: String,
        /// Why not.
        why: String,
    },
    /// The file of certificate authorities does not serve.
    #[error(transparent)]
    CaFile(#[from] CaFileError),
    /// The store's client cannot be made.
    #[error("the store of pictures cannot be set up: {0}")]
    Store(String),
}

impl EvidenceError {
    /// Which key of `[snapshots]` it is about.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::CaFile(_) => "ca_file",
            Self::Spool { .. } | Self::Store(_) => "store",
        }
    }
}
