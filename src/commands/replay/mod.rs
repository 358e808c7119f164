mod ids;
mod pipeline;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;

use super::{Failure, not_written, progress::Progress};
use crate::{
    detect::{Model, Task},
    events::{Event, EventKind},
    footage::{self, Footage},
    settings::{self, Camera, Settings},
    sinks::cloud_event,
    words::{CameraId, Moment, with_causes},
};
use pipeline::Pipeline;

/// The CloudEvents `source` of what never happened.
const SOURCE: &str = "/lookout/replay";

/// Replay clips with today's settings: which events would they give?
///
/// Takes the clips (MP4 files or raw byte streams with H.264) for what the camera sends, one after the other as one
/// recording, and does with them what "lookout run" does with a camera: samples as often as the settings say, the
/// detector's model, the camera's zones and rules for visits. Prints each event as one line of JSON, the CloudEvent that
/// a webhook is sent. Nothing is stored and nobody is told.
///
/// The same clips and settings always give the same output, ids and times included, so two runs can be compared: change
/// a zone, replay, look at the difference. What is not replayed: pictures of events ("snapshot" is null), and what stands
/// between an event and a receiver: filters, schedules and budgets of sinks. A visit that is open at the end of the last
/// clip ends there. A picture that cannot be decoded is named on standard error, and what follows is left out until the
/// next key frame; the exit code is then 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lookout replay monday.mp4                                       what would a camera with no zones report?
  lookout replay -c lookout.toml --camera door monday.mp4         ... and the door's camera, with its zones and rules?
  lookout replay -c lookout.toml --camera door --start 2026-03-02T08:00:00Z monday-*.mp4 | jq -r '[.time, .type] | @tsv'
                                                                  a morning in pieces, with its times")]
pub(super) struct ReplayArgs {
    /// The clips, in their order
    #[arg(required = true, value_name = "CLIP")]
    clips: Vec<PathBuf>,
    /// The settings file; without it, one camera without zones and everything else as it is by default
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Whose zones, rules and pace count; may be left out where there is one camera only
    #[arg(long, value_name = "ID")]
    camera: Option<CameraId>,
    /// When the first clip begins
    #[arg(long, value_name = "TIMESTAMP", default_value = "1970-01-01T00:00:00Z", value_parser = timestamp)]
    start: Timestamp,
}

/// Replays the clips.
///
/// # Errors
/// Problems with the settings, a camera that they do not know, a model that cannot be used, a file that is no clip; at
/// the end, that some pictures could not be decoded.
pub(super) fn execute(args: &ReplayArgs) -> Result<(), Failure> {
    let (settings, camera) = settings(args)?;
    let failed = |error| Failure::Failed(with_causes(&error));
    let model = Model::open(&settings.detector.model).map(Arc::new).map_err(failed)?;
    let detector = Task::new(model, &settings.detector).and_then(|task| task.detector()).map_err(failed)?;
    let mut show = Show {
        clips: &args.clips,
        every: camera.every,
        pipeline: Pipeline::new(&camera, Box::new(detector), args.start),
        played: Duration::ZERO,
        tally: Tally::default(),
        progress: Progress::new(),
        out: io::stdout().lock(),
    };
    for place in 0..args.clips.len() {
        show.play(place)?;
    }
    show.end()
}

/// The settings, and of them the camera.
fn settings(args: &ReplayArgs) -> Result<(Settings, Camera), Failure> {
    if let Some(file) = &args.config {
        let (settings, _) = settings::load(Some(file)).map_err(|e| Failure::Usage(e.to_string()))?;
        let camera = choose(&settings.cameras, args.camera.as_ref()).map_err(Failure::Usage)?;
        return Ok((settings, camera));
    }
    let settings = settings::load_from("", [], Path::new(".")).map_err(|e| Failure::Usage(e.to_string()))?;
    let camera = settings::camera_at("rtsp://clip.invalid/", None, None, settings::Transport::Tcp);
    let mut camera = camera.map_err(Failure::Usage)?;
    if let Some(id) = &args.camera {
        camera = Camera { id: id.clone(), name: id.as_str().into(), ..camera };
    }
    Ok((settings, camera))
}

fn choose(cameras: &[Camera], wanted: Option<&CameraId>) -> Result<Camera, String> {
    const SHOWN: usize = 30;
    let mut there: Vec<&str> = cameras.iter().map(|camera| camera.id.as_str()).take(SHOWN).collect();
    let more = cameras.len().saturating_sub(SHOWN);
    let and_more = format!("and {more} more");
    if more > 0 {
        there.push(&and_more);
    }
    let there = there.join(", ");
    match (cameras, wanted) {
        ([], _) => Err("the settings have no camera; without --config, clips are replayed with one of defaults".into()),
        ([only], None) => Ok(only.clone()),
        (_, None) => Err(format!("say which camera with --camera; there are: {there}")),
        (_, Some(id)) => {
            let found = cameras.iter().find(|camera| camera.id == *id);
            found.cloned().ok_or_else(|| format!("the settings have no camera \"{id}\"; there are: {there}"))
        }
    }
}

fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "a timestamp with its offset, such as 2026-03-02T08:00:00Z".to_owned())
}

/// The replay, clip by clip.
struct Show<'a, W: Write> {
    clips: &'a [PathBuf],
    every: Duration,
    pipeline: Pipeline,
    /// How much of all clips has been played.
    played: Duration,
    tally: Tally,
    progress: Progress<io::Stderr>,
    out: W,
}

/// What there was.
#[derive(Debug, Default)]
struct Tally {
    visits: usize,
    held_back: u64,
    samples: usize,
    faults: usize,
}

impl<W: Write> Show<'_, W> {
    fn play(&mut self, place: usize) -> Result<(), Failure> {
        let file = &self.clips[place];
        let name = file.display().to_string();
        let samples = match footage::open(file, self.every) {
            Ok(Footage::Clip(samples)) => samples,
            Ok(Footage::Still(_)) => {
                return Err(Failure::Failed(format!("{name} is a photo; only clips are replayed")));
            }
            Err(error) => return Err(Failure::Failed(with_causes(&error))),
        };
        let (begin, mut end) = (self.played, self.played + samples.duration());
        let whole = samples.duration().as_secs_f64().max(f64::EPSILON);
        for sample in samples {
            match sample {
                Ok(sample) => {
                    let part = (sample.at.as_secs_f64() / whole).min(1.0);
                    let text = format!("{name} {:.0} s, {} visits", sample.at.as_secs_f64(), self.tally.visits);
                    self.progress.show((place as f64 + part) / self.clips.len() as f64, &text, Moment::now());
                    let at = begin + sample.at;
                    end = end.max(at + Duration::from_millis(1));
                    self.tally.samples += 1;
                    let found = self.pipeline.look(at, sample.picture);
                    self.print(found.map_err(|e| Failure::Failed(format!("{name}: {}", with_causes(&e))))?)?;
                }
                Err(error) => {
                    self.tally.faults += 1;
                    self.progress.say(&format!("lookout: {}", with_causes(&error)));
                }
            }
        }
        self.played = end;
        Ok(())
    }

    fn end(mut self) -> Result<(), Failure> {
        let last = self.pipeline.end();
        self.print(last)?;
        self.tally.held_back = self.pipeline.held_back();
        self.progress.say(&self.tally.summary(self.played));
        match self.tally.faults {
            0 => Ok(()),
            faults => Err(Failure::Failed(format!("{faults} faults in the clips; what they cost was not replayed"))),
        }
    }

    fn print(&mut self, events: Vec<Event>) -> Result<(), Failure> {
        for event in events {
            self.tally.visits += usize::from(event.kind == EventKind::VisitStarted);
            let mut line = cloud_event(&event, SOURCE);
            line.push(b'\n');
            self.out.write_all(&line).map_err(not_written)?;
        }
        Ok(())
    }
}

impl Tally {
    fn summary(&self, played: Duration) -> String {
        let visits = match self.visits {
            0 => "no visit".to_owned(),
            1 => "1 visit".to_owned(),
            n => format!("{n} visits"),
        };
        let held_back = match self.held_back {
            0 => String::new(),
            n => format!(" ({n} more held back by cooldown or stationary)"),
        };
        format!("{visits}{held_back} in {} samples of {:.1} s", self.samples, played.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(id: &str) -> Camera {
        let camera = settings::camera_at("rtsp://127.0.0.1/x", None, None, settings::Transport::Tcp).expect("in order");
        Camera { id: id.parse().expect("an id"), ..camera }
    }

    fn chosen(cameras: &[&str], wanted: Option<&str>) -> Result<String, String> {
        let cameras: Vec<_> = cameras.iter().map(|id| camera(id)).collect();
        let wanted: Option<CameraId> = wanted.map(|id| id.parse().expect("an id"));
        choose(&cameras, wanted.as_ref()).map(|camera| camera.id.to_string())
    }

    #[test]
    fn an_unknown_camera_is_answered_with_those_that_there_are() {
        assert_eq!(chosen(&["door", "yard"], Some("yard")), Ok("yard".into()));
        assert_eq!(chosen(&["door"], None), Ok("door".into()));
        let unknown = chosen(&["door", "yard"], Some("dor")).expect_err("unknown");
        assert_eq!(unknown, "the settings have no camera \"dor\"; there are: door, yard");
        assert!(chosen(&["door", "yard"], None).expect_err("two").ends_with("--camera; there are: door, yard"));
        assert!(chosen(&[], Some("door")).expect_err("none").contains("no camera"));
        let many: Vec<String> = (0..300).map(|n| format!("c{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(chosen(&many, Some("dor")).expect_err("unknown").ends_with("c29, and 270 more"));
    }

    #[test]
    fn the_summary_counts() {
        let second = Duration::from_secs(1);
        assert_eq!(Tally::default().summary(Duration::ZERO), "no visit in 0 samples of 0.0 s");
        let tally = Tally { visits: 2, held_back: 3, samples: 9, faults: 0 };
        assert_eq!(
            tally.summary(second),
            "2 visits (3 more held back by cooldown or stationary) in 9 samples of 1.0 s"
        );
    }
}
