//! What can be typed: one file a command.

pub mod check;
mod completions;
mod demo;
mod detect;
mod evaluate;
mod logging;
mod model;
mod password;
mod probe;
mod progress;
mod replay;
mod run;
pub mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::words::with_causes;

/// Watches many RTSP cameras, sees people, and reports them by signed webhook.
#[derive(Debug, Parser)]
#[command(
    name = "lookout",
    version,
    about,
    after_help = "\
Start here:
  lookout demo                            see it work, with no camera and no settings
  lookout probe rtsp://camera/stream      what does this camera send?
  lookout check --config lookout.toml     are my settings right?
  lookout run --config lookout.toml       watch
  lookout detect photo.jpg clip.mp4       what does the model see in these?
  lookout replay clip.mp4                 which events would this give?
  lookout password                        somebody is to log in: what do I write into my settings?

Exit codes: 0 done, 1 failed, 2 the settings or the arguments have problems.
Logs go to standard error, as text on a terminal and as JSON otherwise; LOOKOUT_LOG=debug says more."
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Probe(probe::ProbeArgs),
    Demo(demo::DemoArgs),
    Simulate(simulate::SimulateArgs),
    Detect(detect::DetectArgs),
    Evaluate(evaluate::EvaluateArgs),
    Replay(replay::ReplayArgs),
    Password(password::PasswordArgs),
    Completions(completions::CompletionsArgs),
}

/// Why a command ended without success; the text is for standard error.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for cannot be meant: exit code 2.
    Usage(String),
    /// It did not work: exit code 1.
    Failed(String),
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    // The demo tells what happens itself; its mishaps would fill the log.
    logging::start(if matches!(line.command, Command::Demo(_)) { "error" } else { "info" });
    let done = match line.command {
        Command::Run(args) => run::execute(&args),
        Command::Check(args) => return check::execute(&args),
        Command::Probe(args) => probe::execute(&args),
        Command::Demo(args) => demo::execute(&args),
        Command::Simulate(args) => simulate_in_runtime(args),
        Command::Detect(args) => detect::execute(&args),
        Command::Evaluate(args) => evaluate::execute(&args),
        Command::Replay(args) => replay::execute(&args),
        Command::Password(args) => password::execute(&args),
        Command::Completions(args) => completions::execute(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => fail(&text, 2),
        Err(Failure::Failed(text)) => fail(&text, 1),
    }
}

fn simulate_in_runtime(args: simulate::SimulateArgs) -> Result<(), Failure> {
    let runtime = runtime()?;
    runtime.block_on(simulate::run(args)).map_err(|e| Failure::Failed(with_causes(&e)))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Failure::Failed(with_causes(&e)))
}

// The one place besides the commands' own output that writes to a terminal.
#[allow(clippy::print_stderr)]
fn fail(text: &str, code: u8) -> ExitCode {
    eprintln!("lookout: {text}");
    ExitCode::from(code)
}

/// What could not be written to the standard output.
#[allow(clippy::needless_pass_by_value)]
fn not_written(error: std::io::Error) -> Failure {
    Failure::Failed(format!("cannot write to the standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::CommandLine::command().debug_assert();
    }
}
