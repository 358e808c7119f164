use std::{io, path::PathBuf};

use super::{problems::Problems, syntax::SyntaxError};

/// Why there are no settings. Displays as lines for people, ready for standard error; never with a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No file is named and none lies where it is looked for.
    #[error("no settings file: looked for {}; name one with --config FILE or LOOKOUT_CONFIG", list(looked))]
    NoFile {
        /// The places, in order.
        looked: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read the settings file {}: {cause}; name another with --config FILE or LOOKOUT_CONFIG", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why: missing, no permission, too large, not UTF-8.
        #[source]
        cause: io::Error,
    },
    /// The file is no TOML.
    #[error("{}: {cause}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        #[source]
        cause: SyntaxError,
    },
    /// The file is TOML, but something in it (or in the environment) is wrong.
    #[error("{}: {}\n{problems}", path.display(), count(problems.len()))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// All of it.
        problems: Problems,
    },
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}

fn count(problems: usize) -> String {
    match problems {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    }
}
