use std::{path::Path, time::Duration};

use bytes::Bytes;
use h264_reader::nal::sps::SeqParameterSet;

use super::{SimulateError, nal, picture_order, read};
use crate::{
    media::{AccessUnit, read_sequence},
    words::Moment,
};

/// Ticks per second of every time here: the RTP clock of video (RFC 6184, section 8.2.1).
pub(super) const CLOCK: i64 = 90_000;

/// An H.264 clip in memory, cut into access units. Its bytes are shared: cloning a unit copies none of them.
#[derive(Debug, Clone)]
pub struct Clip {
    /// The access units in decoding order; at least one.
    pub units: Vec<Unit>,
    /// The sequence parameter set.
    pub sps: Bytes,
    /// The picture parameter set.
    pub pps: Bytes,
    /// Pictures per second, on average.
    pub fps: f64,
    /// Pixels, after cropping.
    pub width: u32,
    /// Pixels, after cropping.
    pub height: u32,
    /// Decode time at which the clip begins anew, in ticks of 1/90000 s.
    pub duration: i64,
}

/// One coded picture of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its NAL units, without start codes and without the clip's parameter sets.
    pub nals: Vec<Bytes>,
    /// An IDR picture.
    pub key: bool,
    /// No other picture refers to it.
    pub disposable: bool,
    /// When it is sent, in ticks of 1/90000 s since the clip's begin.
    pub decode_time: i64,
    /// How much later than that it is shown, in the same ticks; more than 0 where B-frames follow.
    pub presentation_offset: i64,
}

impl Clip {
    /// Reads an MP4 file or a raw H.264 byte stream (Annex B).
    ///
    /// # Errors
    /// When the file cannot be read, holds no H.264 or no picture; the error names the file and a way out.
    pub fn read(path: &Path) -> Result<Self, SimulateError> {
        read::read(path)
    }

    /// Reads what an MP4 file or a raw H.264 byte stream (Annex B) holds; `name` stands in errors. The clip shares the
    /// bytes.
    ///
    /// # Errors
    /// When they hold no H.264 or no picture.
    pub fn from_bytes(name: &str, bytes: &Bytes) -> Result<Self, SimulateError> {
        read::parse(name, bytes)
    }

    /// The clip that this program carries: a scene of ours through which somebody walks.
    ///
    /// # Errors
    /// The same as of a file, and then this build is broken.
    pub fn embedded() -> Result<Self, SimulateError> {
        Self::from_bytes("the embedded clip", &Bytes::from_static(include_bytes!("demo.mp4")))
    }

    /// Makes a clip of access units in decoding order, each with Annex B start codes, `fps` to the second. Parameter
    /// sets are taken from the units; the order of presentation is that of the slices' picture order counts.
    ///
    /// # Errors
    /// When there is no unit, or none with parameter sets.
    pub fn from_access_units<U: Into<Bytes>>(
        name: &str,
        fps: f64,
        units: impl IntoIterator<Item = U>,
    ) -> Result<Self, SimulateError> {
        let units: Vec<Vec<Bytes>> =
            units.into_iter().map(|unit| nal::split_annex_b(&unit.into())).filter(|nals| !nals.is_empty()).collect();
        Self::from_nals(name, Some(fps), units)
    }

    /// Moving blocks on grey, encoded here: a clip for where no footage is at hand. A key frame every `gop` pictures.
    ///
    /// # Errors
    /// When the encoder refuses the size (odd, too small, too large).
    pub fn synthetic(width: u32, height: u32, fps: u32, seconds: u32, gop: u32) -> Result<Self, SimulateError> {
        super::synthetic::synthetic(width, height, fps, seconds, gop)
    }

    /// The clip as a camera's client would see it: Annex B, key frames with their parameter sets, received at the
    /// clip's own pace from `start` on.
    pub fn access_units(&self, start: Moment) -> impl Iterator<Item = AccessUnit> + '_ {
        self.units.iter().map(move |unit| AccessUnit {
            data: self.annex_b(unit),
            timestamp: unit.decode_time + unit.presentation_offset,
            received: start.after(duration(unit.decode_time)),
            key: unit.key,
            disposable: unit.disposable,
            lost_packets: 0,
        })
    }

    /// A unit with start codes and, if it is a key frame, with the parameter sets.
    pub fn annex_b(&self, unit: &Unit) -> Bytes {
        nal::to_annex_b(self.nals(unit))
    }

    /// What is sent for a unit: its NAL units, for a key frame after the parameter sets unless it brings its own.
    pub(super) fn nals<'a>(&'a self, unit: &'a Unit) -> impl Iterator<Item = &'a Bytes> + Clone {
        let own = unit.nals.iter().any(|nal| nal::kind(nal) == nal::SPS);
        let sets = (unit.key && !own).then_some([&self.sps, &self.pps]);
        sets.into_iter().flatten().chain(&unit.nals)
    }

    /// Raw access units, timed at `fps`, or at what the sequence parameter set says, or at 25.
    pub(super) fn from_nals(name: &str, fps: Option<f64>, units: Vec<Vec<Bytes>>) -> Result<Self, SimulateError> {
        let set = |kind| units.iter().flatten().find(|nal| nal::kind(nal) == kind).cloned();
        let (sps, pps) = (set(nal::SPS), set(nal::PPS));
        let missing =
            |message: &str| SimulateError::ParameterSets { clip: name.to_owned(), message: message.to_owned() };
        if !units.iter().flatten().any(|nal| nal::is_slice(nal)) {
            return Err(SimulateError::Empty { clip: name.to_owned() });
        }
        let sps = sps.ok_or_else(|| missing("has no sequence parameter set"))?;
        let pps = pps.ok_or_else(|| missing("has no picture parameter set"))?;
        let fps = fps.or_else(|| parse_sps(name, &sps).ok()?.fps()).filter(|fps| (0.1..=240.0).contains(fps));
        let frame = CLOCK as f64 / fps.unwrap_or(25.0);
        let offsets = picture_order::presentation_offsets(&units, &sps, &pps);
        let timed = units.into_iter().zip(offsets).enumerate().map(|(i, (nals, offset))| {
            let at = |pictures: f64| (pictures * frame).round() as i64;
            let decode_time = at(i as f64);
            (nals, decode_time, at(i as f64 + f64::from(offset)) - decode_time)
        });
        let timed: Vec<_> = timed.collect();
        let duration = (timed.len() as f64 * frame).round() as i64;
        Self::assemble(name, sps, pps, timed, duration)
    }

    /// Joins timed access units `(NAL units, decode time, presentation offset)` and their parameter sets.
    pub(super) fn assemble(
        name: &str,
        sps: Bytes,
        pps: Bytes,
        timed: Vec<(Vec<Bytes>, i64, i64)>,
        duration: i64,
    ) -> Result<Self, SimulateError> {
        let (width, height) =
            parse_sps(name, &sps)?.pixel_dimensions().map_err(|error| SimulateError::ParameterSets {
                clip: name.to_owned(),
                message: format!("impossible picture size: {error:?}"),
            })?;
        let units: Vec<Unit> = timed
            .into_iter()
            .map(|(mut nals, decode_time, presentation_offset)| {
                nals.retain(|nal| nal::kind(nal) != nal::DELIMITER);
                // A unit that changes the parameter sets keeps them all.
                let is_set = |nal: &Bytes| matches!(nal::kind(nal), nal::SPS | nal::PPS);
                if nals.iter().all(|nal| !is_set(nal) || *nal == sps || *nal == pps) {
                    nals.retain(|nal| !is_set(nal));
                }
                Unit {
                    key: nals.iter().any(|nal| nal::kind(nal) == nal::IDR_SLICE),
                    disposable: !nals.iter().any(|nal| nal::is_slice(nal) && nal::is_reference(nal)),
                    nals,
                    decode_time,
                    presentation_offset,
                }
            })
            .filter(|unit| unit.nals.iter().any(|nal| nal::is_slice(nal)))
            .collect();
        let Some(last) = units.last() else {
            return Err(SimulateError::Empty { clip: name.to_owned() });
        };
        let duration = duration.max(last.decode_time + 1);
        let fps = units.len() as f64 * CLOCK as f64 / duration as f64;
        Ok(Self { units, sps, pps, fps, width, height, duration })
    }
}

/// Ticks as a duration; 0 for times before the begin.
pub(super) fn duration(ticks: i64) -> Duration {
    let ticks = u64::try_from(ticks).unwrap_or(0);
    let rest = ticks % CLOCK.unsigned_abs();
    Duration::from_secs(ticks / CLOCK.unsigned_abs()) + Duration::from_nanos(rest * 100_000 / 9)
}

fn parse_sps(name: &str, sps: &Bytes) -> Result<SeqParameterSet, SimulateError> {
    read_sequence(sps).map_err(|error| SimulateError::ParameterSets {
        clip: name.to_owned(),
        message: format!("broken sequence parameter set: {error}"),
    })
}
