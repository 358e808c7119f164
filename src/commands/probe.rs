use std::{fs, io::Write, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::{
    camera::{Fault, Findings, probe},
    detect,
    settings::{self, Secret},
    words::with_causes,
};

/// Ask a camera what it sends: codec, size, frames per second, key frame interval, bit rate, and a picture.
///
/// Exit code 0 if Lookout can watch it; otherwise the reason and what to do about it are printed.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  lookout probe rtsp://192.168.1.20/stream1 --username admin --password-file /run/secrets/door --snapshot door.jpg")]
pub(super) struct ProbeArgs {
    /// The camera's address: rtsp://host[:port]/path
    url: String,
    /// The camera's user name.
    #[arg(short, long)]
    username: Option<String>,
    /// The camera's password. Other users of this machine can see arguments: prefer the environment or a file.
    #[arg(short, long, env = "LOOKOUT_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// A file that holds the password.
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// How media travels.
    #[arg(long, value_enum, default_value = "tcp")]
    transport: Carrier,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=300))]
    seconds: u64,
    /// Write a picture to this file (JPEG).
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Carrier {
    Tcp,
    Udp,
}

/// Probes.
///
/// # Errors
/// A URL that is none, or the fault of the camera by name.
pub(super) fn execute(args: &ProbeArgs) -> Result<(), Failure> {
    let camera = camera(args)?;
    let runtime = super::runtime()?;
    let seconds = Duration::from_secs(args.seconds);
    let local = tokio::task::LocalSet::new();
    let findings = local.block_on(&runtime, probe(camera, seconds)).map_err(explain)?;
    let mut out = std::io::stdout().lock();
    report(&findings, &mut out).map_err(|e| Failure::Failed(with_causes(&e)))?;
    let picture = findings.picture(seconds).map_err(explain)?;
    let Some(file) = &args.snapshot else { return Ok(()) };
    let jpeg = detect::jpeg(picture, &[], false, 90).map_err(|e| Failure::Failed(with_causes(&e)))?;
    fs::write(file, jpeg).map_err(|e| Failure::Failed(format!("cannot write {}: {e}", file.display())))?;
    writeln!(out, "snapshot          {}", file.display()).map_err(|e| Failure::Failed(e.to_string()))
}

#[allow(clippy::needless_pass_by_value)]
fn explain(fault: Fault) -> Failure {
    Failure::Failed(format!("{}: {}", fault.reason(), fault.message()))
}

fn camera(args: &ProbeArgs) -> Result<settings::Camera, Failure> {
    let password = match (&args.password, &args.password_file) {
        (Some(password), _) => Some(Secret::new(password.clone())),
        (None, Some(file)) => {
            let text =
                fs::read_to_string(file).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", file.display())))?;
            Some(Secret::new(text.trim()))
        }
        (None, None) => None,
    };
    let transport = match args.transport {
        Carrier::Tcp => settings::Transport::Tcp,
        Carrier::Udp => settings::Transport::Udp,
    };
    settings::camera_at(&args.url, args.username.as_deref(), password, transport).map_err(Failure::Usage)
}

fn report(found: &Findings, out: &mut impl Write) -> std::io::Result<()> {
    let seconds = |d: Option<Duration>| d.map_or("-".into(), |d| format!("{:.2} s", d.as_secs_f32()));
    let number = |n: Option<f32>, unit: &str| n.map_or("-".into(), |n| format!("{n:.1} {unit}"));
    let (codec, size) = match &found.video {
        Some(v) => (v.codec.clone(), format!("{}x{}", v.width, v.height)),
        None => ("-".into(), "-".into()),
    };
    let interval = found.meter.key_frame_interval().map(|i| i.as_secs_f32());
    let megabits = found.meter.bitrate().map(|b| b as f32 / 1e6);
    writeln!(out, "codec             {codec}")?;
    writeln!(out, "size              {size}")?;
    writeln!(out, "frame rate        {}", number(found.meter.fps(), "per second"))?;
    writeln!(out, "key frame every   {}", number(interval, "s"))?;
    writeln!(out, "bit rate          {}", number(megabits, "Mbit/s"))?;
    writeln!(out, "B-frames          {}", if found.out_of_order { "yes" } else { "no" })?;
    let sound = found.sound.as_ref().map_or("none".into(), |sound| {
        let left_out = sound.left_out.map(|why| format!(", left out: {}", why.words()));
        format!("{} at {} Hz{}", sound.codec, sound.sample_rate, left_out.unwrap_or_default())
    });
    writeln!(out, "sound             {sound}")?;
    writeln!(out, "connected after   {}", seconds(Some(found.described_after)))?;
    writeln!(out, "first frame       {}", seconds(found.first_frame_after))?;
    writeln!(out, "first key frame   {}", seconds(found.first_key_frame_after))?;
    writeln!(
        out,
        "frames            {} ({} disposable), {} packets lost",
        found.units, found.disposable, found.lost_packets
    )
}
