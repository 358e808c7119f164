mod line;
mod names;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;

use super::{
    Failure,
    model::{ModelArgs, detector},
    not_written,
    progress::Progress,
};
use crate::{
    detect::{Detector as _, ModelDetector, jpeg},
    footage::{self, Footage},
    media::I420,
    settings::parse_duration,
    words::{Moment, with_causes},
};
use line::Line;
use names::Names;

/// Good enough to judge a box by.
const QUALITY: u8 = 90;

/// Look at photos and clips: what does the model see in them?
///
/// Prints one JSON object a line for each photo, and for each sample of a clip: {"file", "at_s" (clips: seconds from the
/// first picture on), "width", "height", "detections": [{"label", "score", "box": [left, top, right, bottom] in pixels}],
/// "picture" (with --out: the annotated picture)}. Photos are JPEG or PNG, clips MP4 files or raw byte streams with
/// H.264. A file that cannot be read is named on standard error and does not stop the others; the exit code is then 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lookout detect --model yolox_nano_416.onnx door.jpg                    one photo
  lookout detect --model yolox_nano_416.onnx --out seen night.mp4        a clip, and pictures with boxes in ./seen
  lookout detect --model yolox_nano_416.onnx *.jpg | jq -r 'select(.detections == []) | .file'
                                                                         the photos in which nobody is seen")]
pub(super) struct DetectArgs {
    /// Photos and clips
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// What to look for, as the model calls it; may be given several times
    #[arg(long, value_name = "LABEL", default_value = "person")]
    label: Vec<Arc<str>>,
    /// Of clips: the time between samples; 0s looks at every picture
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    every: Duration,
    /// Write the pictures with boxes to this folder (JPEG); it is made where it is missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Looks at the files.
///
/// # Errors
/// A model that cannot be used, a folder that cannot be made; at the end, that some files could not be read.
pub(super) fn execute(args: &DetectArgs) -> Result<(), Failure> {
    let model = args.model.load()?;
    let min_score = args.model.min_score(&model);
    let detector = detector(model, &args.label, min_score)?;
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder)
            .map_err(|e| Failure::Failed(format!("cannot make the folder {}: {e}", folder.display())))?;
    }
    let mut run = Run {
        args,
        detector,
        names: Names::default(),
        progress: Progress::new(),
        out: io::stdout().lock(),
        tally: Tally::default(),
    };
    for (i, file) in args.files.iter().enumerate() {
        run.file(i, file)?;
    }
    let Run { mut progress, tally, .. } = run;
    progress.say(&tally.summary());
    match tally.faulty_files {
        0 => Ok(()),
        faulty => Err(Failure::Failed(format!("{faulty} of {} files could not be read whole", args.files.len()))),
    }
}

/// The work, file by file.
struct Run<'a, W: Write> {
    args: &'a DetectArgs,
    detector: ModelDetector,
    names: Names,
    progress: Progress<io::Stderr>,
    out: W,
    tally: Tally,
}

/// What there was to see.
#[derive(Debug, Default)]
struct Tally {
    pictures: usize,
    with_detections: usize,
    detections: usize,
    faulty_files: usize,
}

impl<W: Write> Run<'_, W> {
    /// Looks at one file. Its own faults are said and counted; what ends the whole is an error.
    fn file(&mut self, place: usize, file: &Path) -> Result<(), Failure> {
        let name = file.display().to_string();
        let files = self.args.files.len() as f64;
        let part = |of_file: f64| (place as f64 + of_file) / files;
        self.progress.show(part(0.0), &name, Moment::now());
        match footage::open(file, self.args.every) {
            Ok(Footage::Still(picture)) => {
                let target = self.names.of_still(file);
                self.look(&name, None, &picture, &target)
            }
            Ok(Footage::Clip(samples)) => {
                let (whole, stem) = (samples.duration().as_secs_f64(), self.names.of_clip(file));
                let mut faulty = false;
                for sample in samples {
                    match sample {
                        Ok(sample) => {
                            self.look(&name, Some(sample.at), &sample.picture, &stem.at(sample.at))?;
                            let at = sample.at.as_secs_f64();
                            self.progress.show(part(at / whole), &format!("{name} {at:.0} s"), Moment::now());
                        }
                        Err(error) => {
                            faulty = true;
                            self.progress.say(&format!("lookout: {}", with_causes(&error)));
                        }
                    }
                }
                self.tally.faulty_files += usize::from(faulty);
                Ok(())
            }
            Err(error) => {
                self.tally.faulty_files += 1;
                self.progress.say(&format!("lookout: {}", with_causes(&error)));
                Ok(())
            }
        }
    }

    fn look(&mut self, file: &str, at: Option<Duration>, picture: &I420, target: &str) -> Result<(), Failure> {
        let failed = |error| Failure::Failed(format!("{file}: {}", with_causes(&error)));
        let seen = self.detector.detect(picture).map_err(failed)?;
        self.tally.pictures += 1;
        self.tally.with_detections += usize::from(!seen.is_empty());
        self.tally.detections += seen.len();
        let target = self.args.out.as_ref().map(|folder| folder.join(target));
        if let Some(target) = &target {
            let annotated = jpeg(picture, &seen, true, QUALITY).map_err(failed)?;
            fs::write(target, annotated)
                .map_err(|e| Failure::Failed(format!("cannot write {}: {e}", target.display())))?;
        }
        let line = Line::new(file, at, (picture.width(), picture.height()), &seen, target.as_deref());
        serde_json::to_writer(&mut self.out, &line).map_err(|e| not_written(e.into()))?;
        writeln!(self.out).map_err(not_written)
    }
}

impl Tally {
    fn summary(&self) -> String {
        let Self { pictures, with_detections, detections, .. } = self;
        match (pictures, detections) {
            (0, _) => "no picture was looked at".to_owned(),
            (1, 0) => "nothing was found in the picture".to_owned(),
            (_, 0) => format!("nothing was found in any of the {pictures} pictures"),
            _ => format!("{detections} found, in {with_detections} of {pictures} pictures"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_clearly_when_nothing_was_found() {
        let said = |pictures, with_detections, detections| {
            Tally { pictures, with_detections, detections, faulty_files: 0 }.summary()
        };
        assert_eq!(said(0, 0, 0), "no picture was looked at");
        assert_eq!(said(1, 0, 0), "nothing was found in the picture");
        assert_eq!(said(5, 0, 0), "nothing was found in any of the 5 pictures");
        assert_eq!(said(5, 2, 3), "3 found, in 2 of 5 pictures");
    }
}
