use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{CommandLine, Failure};

/// Print the completion script of a shell, as in: lookout completions bash > /etc/bash_completion.d/lookout
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None today; a command returns like the others.
pub(super) fn execute(args: &CompletionsArgs) -> Result<(), Failure> {
    clap_complete::generate(args.shell, &mut CommandLine::command(), "lookout", &mut std::io::stdout());
    Ok(())
}
