use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{FootageError, MOST_PIXELS};
use crate::{
    camera::{DecodeError, Decoder},
    media::{AccessUnit, I420},
    simulate::{Clip, Unit},
    words::Moment,
};

/// One picture of a clip.
#[derive(Debug)]
pub struct Sample {
    /// When it is shown, from the clip's first picture on.
    pub at: Duration,
    /// The picture.
    pub picture: I420,
}

/// The pictures of a clip, one per `every`, in the order in which they are shown. All are decoded, so that a sample is
/// the first picture at or after its time, wherever the key frames are.
///
/// A damaged picture is an error once; what follows begins with the next key frame. Where not one picture comes out
/// between `MOST_FAULTS` errors, that was the last one.
pub struct Samples {
    file: PathBuf,
    clip: Clip,
    next_unit: usize,
    decoder: Option<Decoder>,
    /// The clip's begin on the clock that the decoder passes through.
    begin: Moment,
    schedule: Schedule,
    /// What the decoder held back to its end: a few pictures (H.264, annex A.3.1: at most 16).
    held: VecDeque<Sample>,
    /// Errors since the last picture.
    faults: u32,
}

impl Samples {
    /// A clip of a kind that cannot be decoded fails at every key frame.
    const MOST_FAULTS: u32 = 3;

    /// Reads a clip; nothing is decoded yet.
    ///
    /// # Errors
    /// `Clip`.
    pub(super) fn read(file: &Path, every: Duration) -> Result<Self, FootageError> {
        let clip = Clip::read(file).map_err(|source| FootageError::Clip { source })?;
        let [width, height] = [clip.width, clip.height].map(|side| usize::try_from(side).unwrap_or(usize::MAX));
        if width.saturating_mul(height) > MOST_PIXELS {
            let limit = MOST_PIXELS / 1_000_000;
            return Err(FootageError::TooManyPixels { file: file.to_owned(), width, height, limit });
        }
        Ok(Self::of(clip, file, every))
    }

    fn of(clip: Clip, file: &Path, every: Duration) -> Self {
        let schedule = Schedule { every, first: None, due: Duration::ZERO };
        let (file, begin) = (file.to_owned(), Moment::now());
        Self { file, clip, next_unit: 0, decoder: None, begin, schedule, held: VecDeque::new(), faults: 0 }
    }

    /// How long the clip is.
    pub fn duration(&self) -> Duration {
        ticks(self.clip.duration)
    }

    fn damaged(&mut self, at: Duration, source: DecodeError) -> FootageError {
        self.decoder = None;
        self.faults += 1;
        if self.faults == Self::MOST_FAULTS {
            self.next_unit = self.clip.units.len();
        }
        FootageError::Damaged { file: self.file.clone(), at, source }
    }

    /// Decodes one unit; the picture that comes out of it may be an earlier one's, and is kept only where it is due.
    fn step(&mut self, unit: &Unit) -> Result<Option<Sample>, FootageError> {
        let shown = ticks(unit.decode_time + unit.presentation_offset);
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            None if unit.key => match Decoder::new() {
                Ok(new) => self.decoder.insert(new),
                Err(error) => return Err(self.damaged(shown, error)),
            },
            // Behind damage, or before the first key frame: nothing to refer to.
            None => return Ok(None),
        };
        let coded = AccessUnit {
            data: self.clip.annex_b(unit),
            timestamp: unit.decode_time + unit.presentation_offset,
            received: self.begin.after(shown),
            key: unit.key,
            disposable: unit.disposable,
            lost_packets: 0,
        };
        match decoder.decode(&coded) {
            Ok(Some(out)) => {
                self.faults = 0;
                let time = out.captured.since(&self.begin);
                let sampled = self.schedule.take(time).map(|at| Sample { at, picture: out.to_picture() });
                Ok(sampled)
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.damaged(shown, error)),
        }
    }

    fn finish(&mut self) -> Result<(), FootageError> {
        let Some(decoder) = self.decoder.take() else {
            return Ok(());
        };
        match decoder.finish() {
            Ok(pictures) if pictures.is_empty() && self.schedule.first.is_none() && self.faults == 0 => {
                Err(self.damaged(Duration::ZERO, DecodeError::NoPicture))
            }
            Ok(pictures) => {
                for (moment, picture) in pictures {
                    let sampled = self.schedule.take(moment.since(&self.begin));
                    self.held.extend(sampled.map(|at| Sample { at, picture }));
                }
                Ok(())
            }
            Err(error) => Err(self.damaged(self.duration(), error)),
        }
    }
}

impl Iterator for Samples {
    type Item = Result<Sample, FootageError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(unit) = self.clip.units.get(self.next_unit).cloned() {
            self.next_unit += 1;
            if let Some(out) = self.step(&unit).transpose() {
                return Some(out);
            }
        }
        if let Err(error) = self.finish() {
            return Some(Err(error));
        }
        self.held.pop_front().map(Ok)
    }
}

impl std::fmt::Debug for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Samples").field("file", &self.file).field("next_unit", &self.next_unit).finish_non_exhaustive()
    }
}

/// Which pictures are samples: the first one, and then the first at or after each multiple of `every`.
#[derive(Debug)]
struct Schedule {
    every: Duration,
    first: Option<Duration>,
    due: Duration,
}

impl Schedule {
    /// The time since the first picture, where the picture shown at `time` is a sample.
    fn take(&mut self, time: Duration) -> Option<Duration> {
        let at = time.saturating_sub(*self.first.get_or_insert(time));
        // Frame times are rounded to ticks: a millisecond early is on time.
        if at + Duration::from_millis(1) < self.due {
            return None;
        }
        while self.every > Duration::ZERO && self.due <= at + Duration::from_millis(1) {
            self.due += self.every;
        }
        Some(at)
    }
}

/// Ticks of 1/90000 s as a duration; zero for times before the begin.
fn ticks(ticks: i64) -> Duration {
    let ticks = u64::try_from(ticks).unwrap_or(0);
    Duration::from_secs(ticks / 90_000) + Duration::from_nanos(ticks % 90_000 * 100_000 / 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(clip: Clip, every: Duration) -> Vec<Duration> {
        Samples::of(clip, Path::new("clip.mp4"), every).map(|sample| sample.expect("it decodes").at).collect()
    }

    #[test]
    fn a_sample_is_the_first_picture_at_or_after_its_time() {
        // Ten pictures a second for 2 s, a key frame every 7.
        let clip = Clip::synthetic(64, 48, 10, 2, 7).expect("the encoder takes this");
        let millis = |every| {
            let taken = samples(clip.clone(), Duration::from_millis(every));
            taken.iter().map(|at| (at.as_secs_f64() * 1000.0).round() as u64).collect::<Vec<_>>()
        };
        assert_eq!(millis(1000), [0, 1000]);
        assert_eq!(millis(250), [0, 300, 500, 800, 1000, 1300, 1500, 1800]);
        assert_eq!(millis(0).len(), 20, "every picture, the one that the decoder held back too");
        assert_eq!(millis(60_000), [0]);
    }

    #[test]
    fn a_picture_that_is_no_sample_of_the_raster_is_not_made_up_for() {
        let mut schedule = Schedule { every: Duration::from_secs(1), first: None, due: Duration::ZERO };
        let times = [5.0, 5.4, 9.2, 9.9, 10.0, 10.9, 11.0].map(|t| schedule.take(Duration::from_secs_f64(t)));
        let taken: Vec<f64> = times.into_iter().flatten().map(|at| at.as_secs_f64()).collect();
        assert_eq!(taken, [0.0, 4.2, 5.0, 6.0], "counted from the first picture, after a gap no burst");
    }

    #[test]
    fn damage_is_said_once_and_the_next_key_frame_goes_on() {
        let mut clip = Clip::synthetic(64, 48, 10, 2, 10).expect("the encoder takes this");
        let damage = bytes::Bytes::from_static(&[0x41, 0xff, 0xff, 0xff, 0xff, 0xff]);
        clip.units[4].nals = vec![damage];
        let outcomes: Vec<_> = Samples::of(clip, Path::new("clip.mp4"), Duration::ZERO).collect();
        let faults: Vec<String> = outcomes.iter().filter_map(|o| o.as_ref().err()).map(ToString::to_string).collect();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("clip.mp4") && faults[0].contains("0.400 s"), "{}", faults[0]);
        let last = outcomes.last().and_then(|o| o.as_ref().ok()).expect("the end is whole");
        assert_eq!(last.at, Duration::from_millis(1900));
    }

    #[test]
    fn a_clip_that_cannot_be_decoded_ends_after_a_few_errors() {
        let mut clip = Clip::synthetic(64, 48, 10, 2, 1).expect("the encoder takes this");
        for unit in &mut clip.units {
            unit.nals = vec![bytes::Bytes::from_static(&[0x65, 0xff, 0xff, 0xff, 0xff])];
        }
        let outcomes: Vec<_> = Samples::of(clip, Path::new("clip.mp4"), Duration::ZERO).collect();
        assert_eq!(outcomes.len(), 3, "twenty key frames");
        assert!(outcomes.iter().all(Result::is_err));
    }

    #[test]
    fn pictures_with_b_frames_come_in_order_and_all_of_them() {
        let Some(path) = crate::testing::asset("clips/street_720p25_high_b3_g50.mp4") else {
            return;
        };
        let mut clip = Clip::read(&path).expect("a clip");
        let second_key = clip.units.iter().skip(1).position(|unit| unit.key).expect("several key frames") + 1;
        clip.units.truncate(second_key);
        let taken = samples(clip, Duration::ZERO);
        assert_eq!(taken.len(), second_key);
        assert!(taken.is_sorted_by(|a, b| *b > *a && *b - *a < Duration::from_millis(41)), "{taken:?}");
    }
}
