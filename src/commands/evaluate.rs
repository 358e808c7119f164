use std::{
    fs,
    io::{self, Write as _},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;

use super::{
    Failure,
    model::{ModelArgs, detector},
    not_written,
    progress::Progress,
};
use crate::{
    detect::{Detector as _, jpeg},
    evaluate::{Dataset, Evaluation, LEAST_SCORE, Looked, Mistake, PERSON, Photo, Report},
    footage::read_still,
    media::I420,
    words::{Detection, Moment, with_causes},
};

/// Of each kind of mistake.
const WORST: usize = 20;
const QUALITY: u8 = 90;

/// Measure how well a model sees people: AP50, precision and recall on photos with known people.
///
/// The dataset is a list [{"file", "width", "height", "boxes": [[x1, y1, x2, y2]], "ignore": [...], "source"}] with boxes
/// in pixels, or COCO's format for detection, of which the category "person" counts and iscrowd is ignored. Photos are
/// looked for beside the dataset and in a folder beside it that has its name without ".json", or in --images.
///
/// A detection is right if it overlaps a person by half (IoU 0.5) who was not found before. What overlaps an "ignore" box
/// by half counts neither for nor against. AP50 is the area under the precision envelope over all scores from 0.001 on;
/// precision and recall are at --min-score. The height of a person is the height of the box divided by the height of the
/// photo; at one height, people of another and detections of another that match nobody count neither way.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lookout evaluate people/test.json --model yolox_nano_416.onnx
  lookout evaluate annotations/instances_val2017.json --images val2017 --model mine.onnx --limit 500 --worst mistakes
  lookout evaluate people/test.json --model mine.onnx --json | jq .total.ap50")]
pub(super) struct EvaluateArgs {
    /// The dataset
    #[arg(value_name = "DATASET.json")]
    dataset: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    /// The folder of the photos
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Only the first N photos
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write pictures of the worst mistakes to this folder: the 20 surest detections of nobody ("nobody-..."), and the
    /// 20 tallest people who were missed ("missed-...")
    #[arg(long, value_name = "DIR")]
    worst: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    dataset: &'a Path,
    model: String,
    #[serde(flatten)]
    report: &'a Report,
}

/// Evaluates.
///
/// # Errors
/// A model, dataset or photo that cannot be used, by name: figures of a part would pass for those of the whole.
pub(super) fn execute(args: &EvaluateArgs) -> Result<(), Failure> {
    let model = args.model.load()?;
    let min_score = args.model.min_score(&model);
    if min_score < LEAST_SCORE {
        return Err(Failure::Usage(format!("--min-score: at least {LEAST_SCORE}, as lower scores are not asked for")));
    }
    let dataset = Dataset::read(&args.dataset, args.images.as_deref()).map_err(|e| failed(&e))?;
    let mut detector = detector(model, &[PERSON.into()], LEAST_SCORE)?;
    let photos = &dataset.photos[..args.limit.map_or(usize::MAX, NonZeroUsize::get).min(dataset.photos.len())];
    let (mut evaluation, mut progress) = (Evaluation::default(), Progress::new());
    for (i, photo) in photos.iter().enumerate() {
        let part = i as f64 / photos.len() as f64;
        progress.show(part, &format!("{i} of {}  {}", photos.len(), photo.file), Moment::now());
        let picture = picture(&dataset, photo)?;
        let began = Moment::now();
        let seen = detector.detect(&picture).map_err(|e| failed(&e))?;
        let detection = Moment::now().since(&began);
        evaluation.add(photo, Looked { seen, inference: detector.inference(), detection });
    }
    drop(progress);
    let report = evaluation.report(min_score);
    print(args, &report).map_err(not_written)?;
    match &args.worst {
        Some(folder) => show_worst(&dataset, &evaluation, min_score, folder),
        None => Ok(()),
    }
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::Failed(with_causes(error))
}

/// The photo, which must be of the size that its boxes are in.
fn picture(dataset: &Dataset, photo: &Photo) -> Result<I420, Failure> {
    let path = dataset.path(photo);
    if !path.exists() {
        let text = format!("there is no {}; name the folder of the photos: --images DIR", path.display());
        return Err(Failure::Failed(text));
    }
    let picture = read_still(&path).map_err(|e| failed(&e))?;
    if (picture.width(), picture.height()) == (photo.width, photo.height) {
        return Ok(picture);
    }
    Err(Failure::Failed(format!(
        "{} is {} x {} pixels (upright), but in the dataset {} x {}: its boxes would lie elsewhere; take the right photo, \
         or correct the dataset",
        path.display(),
        picture.width(),
        picture.height(),
        photo.width,
        photo.height
    )))
}

fn print(args: &EvaluateArgs, report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.json {
        let answer = Answer { dataset: &args.dataset, model: args.model.name(), report };
        serde_json::to_writer_pretty(&mut out, &answer)?;
        return writeln!(out);
    }
    writeln!(out, "{} on {}\n\n{report}", args.model.name(), args.dataset.display())
}

fn show_worst(dataset: &Dataset, evaluation: &Evaluation<'_>, min_score: f32, folder: &Path) -> Result<(), Failure> {
    let not_made = |path: &Path, error: io::Error| Failure::Failed(format!("cannot write {}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|e| not_made(folder, e))?;
    let (nobody, missed) = evaluation.mistakes(min_score, WORST);
    let mut progress = Progress::new();
    for (kind, mistakes) in [("nobody", &nobody), ("missed", &missed)] {
        for (i, mistake) in mistakes.iter().enumerate() {
            let path = folder.join(worst_name(kind, i + 1, mistake));
            let picture = picture(dataset, mistake.photo)?;
            let marked = Detection { label: PERSON.into(), score: mistake.score.unwrap_or(0.0), area: mistake.area };
            let jpeg = jpeg(&picture, &[marked], true, QUALITY).map_err(|e| failed(&e))?;
            fs::write(&path, jpeg).map_err(|e| not_made(&path, e))?;
        }
    }
    progress.say(&format!(
        "the {} surest detections of nobody and the {} tallest people missed are in {}",
        nobody.len(),
        missed.len(),
        folder.display()
    ));
    Ok(())
}

/// `nobody-01-87-street_12.jpg`: the rank, then the score or the person's height in per cent, then the photo.
fn worst_name(kind: &str, rank: usize, mistake: &Mistake<'_>) -> String {
    let stem = Path::new(&mistake.photo.file).file_stem().unwrap_or_default().to_string_lossy();
    let percent = (mistake.score.unwrap_or(mistake.area.h) * 100.0).round();
    format!("{kind}-{rank:02}-{percent:02}-{stem}.jpg")
}
