use std::io;

use crate::{app::AppError, settings::SettingsError, simulate::SimulateError};

/// What keeps the demo from starting or from going on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The clip or the simulated cameras.
    #[error(transparent)]
    Stage(#[from] SimulateError),
    /// The demo's own settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Lookout itself.
    #[error(transparent)]
    App(#[from] AppError),
    /// No temporary folder can be made or removed.
    #[error(
        "the demo keeps its events in a temporary folder, and that fails: {0}; set TMPDIR to a folder that can be written"
    )]
    Folder(#[source] io::Error),
    /// The system refuses a port or a signal.
    #[error("the system refuses: {0}")]
    System(#[source] io::Error),
    /// What there is to say cannot be written.
    #[error("cannot write to the standard output: {0}")]
    Output(#[from] io::Error),
}
