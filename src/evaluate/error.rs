use std::{io, path::PathBuf};

/// Why a dataset cannot be used. Each text names the file and a way out.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The dataset's file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The dataset's file is larger than one may be.
    #[error("{}: larger than {limit} MiB; split the dataset and evaluate its parts", file.display())]
    TooLarge {
        /// Which file.
        file: PathBuf,
        /// The limit in MiB.
        limit: u64,
    },
    /// Neither of the two formats.
    #[error(
        "{}: {source}; it is to be a list [{{\"file\": ..., \"width\": ..., \"height\": ..., \"boxes\": [[x1, y1, x2, y2]], \
         \"ignore\": [...]}}] or COCO's {{\"images\": ..., \"annotations\": ..., \"categories\": ...}}",
        file.display()
    )]
    Format {
        /// Which file.
        file: PathBuf,
        /// What the reader says, with line and column.
        source: serde_json::Error,
    },
    /// It can be read, but what it says cannot be meant.
    #[error("{}: {fault}", file.display())]
    Content {
        /// Which file.
        file: PathBuf,
        /// What is wrong, where, and what to do.
        fault: String,
    },
}
