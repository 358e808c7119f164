use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::{app, settings, words::with_causes};

/// Watch the cameras of the settings until told to stop (SIGTERM or Ctrl-C); SIGHUP reads the settings anew.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The settings file [default: $LOOKOUT_CONFIG, lookout.toml, config/lookout.toml, /etc/lookout/lookout.toml].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until told to stop.
///
/// # Errors
/// Problems with the settings, or what keeps it from starting.
pub(super) fn execute(args: &RunArgs) -> Result<(), Failure> {
    let (settings, file) = settings::load(args.config.as_deref()).map_err(|e| Failure::Usage(e.to_string()))?;
    app::run(settings, file).map_err(|e| Failure::Failed(with_causes(&e)))
}
