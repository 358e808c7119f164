use std::{
    fs,
    future::poll_fn,
    io::Write,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use tokio::time::timeout;

use super::Failure;
use crate::{
    camera::{Fault, Meter, Source, connect_rtsp, decode_alone},
    detect,
    media::{AccessUnit, I420},
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

/// What was found out.
struct Findings {
    video: Option<crate::camera::Video>,
    described_after: Duration,
    first_frame_after: Option<Duration>,
    first_key_frame_after: Option<Duration>,
    meter: Meter,
    units: u64,
    disposable: u64,
    lost_packets: u64,
    out_of_order: bool,
    picture: Option<Result<I420, crate::camera::DecodeError>>,
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
    match (&findings.picture, &args.snapshot) {
        (Some(Ok(picture)), Some(file)) => {
            let jpeg = detect::jpeg(picture, &[], false, 90).map_err(|e| Failure::Failed(with_causes(&e)))?;
            fs::write(file, jpeg).map_err(|e| Failure::Failed(format!("cannot write {}: {e}", file.display())))?;
            writeln!(out, "snapshot          {}", file.display()).map_err(|e| Failure::Failed(e.to_string()))
        }
        (Some(Ok(_)), None) => Ok(()),
        (Some(Err(error)), _) => Err(explain(Fault::Decode { times: 1, last: error.clone() })),
        (None, _) => Err(explain(Fault::NoKeyFrame { waited: seconds, units: findings.units })),
    }
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

async fn probe(camera: settings::Camera, how_long: Duration) -> Result<Findings, Fault> {
    let (began, stall) = (Instant::now(), camera.stall_timeout);
    let mut source = connect_rtsp(Arc::new(camera)).await?;
    let mut findings = Findings {
        video: None,
        described_after: began.elapsed(),
        first_frame_after: None,
        first_key_frame_after: None,
        meter: Meter::default(),
        units: 0,
        disposable: 0,
        lost_packets: 0,
        out_of_order: false,
        picture: None,
    };
    let watched = watch(&mut *source, &mut findings, began, how_long, stall).await;
    source.close().await;
    watched.map(|()| findings)
}

async fn watch(
    source: &mut dyn Source,
    findings: &mut Findings,
    began: Instant,
    how_long: Duration,
    stall: Duration,
) -> Result<(), Fault> {
    let (mut newest, until) = (i64::MIN, Instant::now() + how_long);
    // A little longer where no key frame has come yet: without one there is nothing to say.
    while Instant::now() < until || (findings.picture.is_none() && Instant::now() < until + how_long) {
        let next = poll_fn(|context| source.poll_unit(context));
        let unit: AccessUnit = timeout(stall, next).await.map_err(|_| Fault::Stalled(stall))??;
        findings.first_frame_after.get_or_insert_with(|| began.elapsed());
        findings.units += 1;
        findings.disposable += u64::from(unit.disposable);
        findings.lost_packets += u64::from(unit.lost_packets);
        findings.out_of_order |= unit.timestamp < newest;
        newest = newest.max(unit.timestamp);
        findings.meter.note(&unit);
        findings.video = source.video()?;
        if unit.key && !matches!(findings.picture, Some(Ok(_))) {
            findings.first_key_frame_after.get_or_insert_with(|| began.elapsed());
            findings.picture = Some(decode_alone(&unit.data));
        }
    }
    Ok(())
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
    writeln!(out, "connected after   {}", seconds(Some(found.described_after)))?;
    writeln!(out, "first frame       {}", seconds(found.first_frame_after))?;
    writeln!(out, "first key frame   {}", seconds(found.first_key_frame_after))?;
    writeln!(
        out,
        "frames            {} ({} disposable), {} packets lost",
        found.units, found.disposable, found.lost_packets
    )
}
