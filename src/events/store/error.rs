use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why the outbox cannot do what it should. Each text names the file and the way out.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The folder or a file in it cannot be made.
    #[error("cannot write in the storage folder {}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// Another process holds the folder; two would tell every event twice.
    #[error("{} is held by another running lookout: give each its own [storage] path", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// Written by a later release.
    #[error(
        "{} was written by a newer lookout (layout {found}, this one knows {known}): install that release again, or choose another [storage] path",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its layout.
        found: i64,
        /// The newest layout that is known.
        known: i64,
    },
    /// The file is no database or a broken one. It is left as it is.
    #[error(
        "{} is damaged ({source}): stop lookout and move the file and its -wal neighbour aside (\"sqlite3 FILE .recover\" often saves the events in it); lookout then starts a new one",
        file.display()
    )]
    Damaged {
        /// The database.
        file: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// No space is left.
    #[error("the disk that holds {} is full", file.display())]
    Full {
        /// The database.
        file: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// The file or its file system may not be written.
    #[error("{} cannot be opened for writing: check its owner, and whether the disk is mounted read-only", file.display())]
    ReadOnly {
        /// The database.
        file: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// Another program keeps the file locked.
    #[error("{} is locked by another program", file.display())]
    Locked {
        /// The database.
        file: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
    /// It took longer than it may, or too many asked at once.
    #[error("this took too long, or too many ask at once: ask for less (one camera, a shorter time), or later")]
    TooSlow,
    /// The process ends, or the question failed in an unforeseen way.
    #[error("the question was cut short")]
    CutShort,
    /// Anything else that SQLite says.
    #[error("{}: {source}", file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// SQLite's word.
        source: rusqlite::Error,
    },
}

impl OutboxError {
    pub(super) fn from_sqlite(file: &Path, source: rusqlite::Error) -> Self {
        let file = file.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { file, source },
            Some(ErrorCode::DiskFull) => Self::Full { file, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly { file, source }
            }
            Some(ErrorCode::OperationInterrupted) => Self::TooSlow,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { file, source },
            _ => Self::Database { file, source },
        }
    }
}
