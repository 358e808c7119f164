//! `lookout demo`: see it work, with no camera and no settings.

use std::{
    io::{IsTerminal, stdout},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::Args;

use super::Failure;
use crate::{demo, words::with_causes};

/// See Lookout work: simulated cameras, the embedded model and a receiver of signed webhooks, with nothing to set up.
///
/// Simulated cameras play a clip over RTSP, each from another place of it on. Lookout watches them exactly as `lookout run`
/// watches real ones. A small receiver in the same process takes the reports, checks their signatures and shows them. From
/// three cameras on, the third one has mishaps now and then: watch it be named, and come back.
///
/// Everything stays on this machine: ports of the loopback, events in a temporary folder that is removed at the end.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lookout demo                                  until Ctrl-C
  lookout demo --cameras 16                     how much does this machine take?
  lookout demo --clip yard.mp4                  what would it see in a recording of yours?
  lookout demo --http 127.0.0.1:8080            at an address that stays the same

Exit codes: 0 ended as told, 1 could not start, 2 the arguments have problems.")]
pub(super) struct DemoArgs {
    /// How many cameras to simulate
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=64))]
    cameras: u16,
    /// Address of status, pictures and events, on this machine; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        value_parser = loopback)]
    http: SocketAddr,
    /// End after so many seconds [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: Option<u32>,
    /// Play this clip (MP4 with H.264) instead of the embedded one
    #[arg(long, value_name = "FILE")]
    clip: Option<PathBuf>,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "write IP address and port, such as 127.0.0.1:8080")?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("the demo asks nobody for a token, so it answers this machine alone: use 127.0.0.1 (and from elsewhere, for \
         example, ssh -L 8080:127.0.0.1:8080)"
        .to_owned())
}

/// Runs the demo.
///
/// # Errors
/// What keeps it from starting.
pub(super) fn execute(args: &DemoArgs) -> Result<(), Failure> {
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    let options = demo::Options {
        cameras: args.cameras.into(),
        http: args.http,
        lasts: args.seconds.map(|seconds| Duration::from_secs(seconds.into())),
        clip: args.clip.clone(),
        terminal: stdout().is_terminal() && !dumb,
    };
    demo::run(&options, stdout()).map_err(|e| Failure::Failed(with_causes(&e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_this_machine_alone() {
        for good in ["127.0.0.1:8080", "[::1]:0"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:8080", "192.168.1.2:80", "[::]:80", "8080", "localhost:80"] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }
}
