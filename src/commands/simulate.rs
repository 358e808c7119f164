//! `lookout simulate`: software cameras, to try Lookout without any and to size a machine.

use std::{
    convert::Infallible,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::Args;

use crate::{
    settings::Secret,
    simulate::{Clip, Credentials, Fault, Mount, Scheme, SimulateError, Simulator},
};

/// Serve a clip as RTSP cameras, at its own pace, in a loop.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub struct SimulateArgs {
    /// MP4 file or raw H.264 byte stream
    #[arg(required_unless_present = "synthetic", conflicts_with = "synthetic")]
    pub clip: Option<PathBuf>,
    /// Serve moving blocks at 720p15 instead of a clip
    #[arg(long)]
    pub synthetic: bool,
    /// How many cameras: /cam1, /cam2 ... They start at different places of the clip
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub cameras: u16,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub bind: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8554)]
    pub port: u16,
    /// A way to misbehave, of the list below
    #[arg(long, value_name = "FAULT")]
    pub fault: Option<Fault>,
    /// User name that the cameras ask for
    #[arg(long, value_name = "NAME", requires = "password")]
    pub user: Option<String>,
    /// Password that the cameras ask for
    #[arg(long, value_name = "PASSWORD", requires = "user", env = "LOOKOUT_SIMULATE_PASSWORD", hide_env_values = true,
        value_parser = |text: &str| Ok::<_, Infallible>(Secret::new(text)))]
    pub password: Option<Secret>,
    /// Ask by digest instead of basic authentication
    #[arg(long, requires = "user")]
    pub digest: bool,
    /// Begin each client's stream with a key frame; most cameras just begin
    #[arg(long)]
    pub start_at_key_frame: bool,
}

fn after_help() -> String {
    format!(
        "Faults (N counts pictures):\n{}\n\nExample: 32 cameras that drop their connection every 200 pictures:\n  \
         lookout simulate clip.mp4 --cameras 32 --fault reset=200",
        Fault::list()
    )
}

/// Serves the cameras until Ctrl-C; prints their addresses, one a line, without credentials.
///
/// # Errors
/// When the clip cannot be read or the address cannot be listened on.
pub async fn run(args: SimulateArgs) -> Result<(), SimulateError> {
    let clip = Arc::new(match &args.clip {
        Some(path) => Clip::read(path)?,
        None => Clip::synthetic(1280, 720, 15, 10, 15)?,
    });
    let simulator = Simulator::bind(SocketAddr::new(args.bind, args.port), mounts(&args, &clip)).await?;
    announce(&simulator, &args).map_err(SimulateError::Output)?;
    let interrupted = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "cannot listen for Ctrl-C; end this process by another signal");
            std::future::pending::<()>().await;
        }
    };
    simulator.run(interrupted).await;
    Ok(())
}

fn mounts(args: &SimulateArgs, clip: &Arc<Clip>) -> Vec<Mount> {
    let scheme = if args.digest { Scheme::Digest } else { Scheme::Basic };
    let credentials = args.user.clone().zip(args.password.clone());
    let lap = Duration::from_secs_f64(clip.units.len() as f64 / clip.fps);
    (1..=args.cameras)
        .map(|number| Mount {
            credentials: credentials.clone().map(|(user, password)| Credentials { user, password, scheme }),
            fault: args.fault,
            start_at_key_frame: args.start_at_key_frame,
            start_at: lap * u32::from(number - 1) / u32::from(args.cameras),
            ..Mount::new(format!("cam{number}"), clip.clone())
        })
        .collect()
}

fn announce(simulator: &Simulator, args: &SimulateArgs) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for number in 1..=args.cameras {
        writeln!(out, "{}", simulator.url(&format!("cam{number}")))?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn parse(words: &str) -> Result<SimulateArgs, clap::Error> {
        Command::try_parse_from(std::iter::once("simulate").chain(words.split(' '))).map(|command| command.args)
    }

    #[test]
    fn each_camera_starts_elsewhere_in_the_clip() {
        let args = parse("--synthetic --cameras 4 --fault silence-after=9 --user u --password p --digest")
            .expect("good arguments");
        let clip = Arc::new(Clip::synthetic(64, 64, 10, 2, 10).expect("the encoder takes this"));
        let mounts = mounts(&args, &clip);
        let starts: Vec<u128> = mounts.iter().map(|mount| mount.start_at.as_millis()).collect();
        assert_eq!(starts, [0, 500, 1000, 1500]);
        assert_eq!(mounts[3].name, "cam4");
        assert_eq!(mounts[3].fault, Some(Fault::SilenceAfter(9)));
        assert!(mounts.iter().all(|mount| Arc::ptr_eq(&mount.clip, &clip)), "the clip is shared");
        let credentials = mounts[0].credentials.as_ref().expect("user and password are given");
        assert_eq!(credentials.scheme, Scheme::Digest);
    }

    #[test]
    fn arguments_that_do_not_go_together_are_refused() {
        for wrong in
            ["", "clip.mp4 --synthetic", "clip.mp4 --user u", "clip.mp4 --fault nonsense", "clip.mp4 --cameras 0"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn invariant_13_the_password_is_not_printed() {
        let args = parse("clip.mp4 --user u --password hunter2").expect("good arguments");
        assert!(!format!("{args:?}").contains("hunter2"));
    }

    #[test]
    fn the_help_lists_every_fault() {
        let help = Command::try_parse_from(["simulate", "--help"]).expect_err("help is an error to clap").to_string();
        for fault in ["silence-after[=50]", "huge-content-length", "401"] {
            assert!(help.contains(fault), "{help}");
        }
    }
}
