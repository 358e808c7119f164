//! Clips from files.

use std::{io, panic::catch_unwind, path::Path};

use bytes::Bytes;
use re_mp4::{Mp4, StsdBoxContent, Track};

use super::{
    Clip, SimulateError,
    clip::CLOCK,
    nal::{group_access_units, split_annex_b},
};
use crate::disk::read_at_most;

/// The whole file is held in memory, once for all its viewers.
const LIMIT_MIB: u64 = 1024;

pub(super) fn read(path: &Path) -> Result<Clip, SimulateError> {
    let name = path.display().to_string();
    let bytes = whole(path, &name)?;
    parse(&name, &bytes)
}

pub(super) fn parse(name: &str, bytes: &Bytes) -> Result<Clip, SimulateError> {
    let name = name.to_owned();
    if bytes.is_empty() {
        return Err(SimulateError::Empty { clip: name });
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return read_mp4(&name, bytes);
    }
    if !bytes.starts_with(&[0, 0, 1]) && !bytes.starts_with(&[0, 0, 0, 1]) {
        let message = "it starts with neither a file type box nor a start code".to_owned();
        return Err(SimulateError::UnknownFormat { clip: name, message });
    }
    Clip::from_nals(&name, None, group_access_units(split_annex_b(bytes)))
}

fn whole(path: &Path, name: &str) -> Result<Bytes, SimulateError> {
    let bytes = read_at_most(path, LIMIT_MIB << 20).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => SimulateError::TooLarge { clip: name.to_owned(), limit: LIMIT_MIB },
        _ => SimulateError::Unreadable { clip: name.to_owned(), source },
    })?;
    Ok(bytes.into())
}

fn read_mp4(name: &str, bytes: &Bytes) -> Result<Clip, SimulateError> {
    let broken = |message: String| SimulateError::UnknownFormat { clip: name.to_owned(), message };
    // The reader indexes tables as the file claims them and panics where it lies.
    let mp4 = catch_unwind(|| Mp4::read_bytes(bytes))
        .map_err(|_| broken("its sample tables contradict each other".to_owned()))?
        .map_err(|error| broken(error.to_string()))?;
    for track in mp4.tracks().values() {
        let StsdBoxContent::Avc1(entry) = &track.trak(&mp4).mdia.minf.stbl.stsd.contents else {
            continue;
        };
        let avcc = &*entry.avcc;
        let (Some(sps), Some(pps)) = (avcc.sequence_parameter_sets.first(), avcc.picture_parameter_sets.first()) else {
            let message = "has no parameter sets in its header".to_owned();
            return Err(SimulateError::ParameterSets { clip: name.to_owned(), message });
        };
        let (sps, pps) = (Bytes::copy_from_slice(&sps.bytes), Bytes::copy_from_slice(&pps.bytes));
        let length_size = usize::from(avcc.length_size_minus_one & 3) + 1;
        let (timed, duration) = timed_samples(track, bytes, length_size).map_err(broken)?;
        return Clip::assemble(name, sps, pps, timed, duration);
    }
    let kinds: Vec<String> = mp4.tracks().values().map(|track| track_kind(&mp4, track)).collect();
    let found = if kinds.is_empty() { "no track at all".to_owned() } else { kinds.join(", ") };
    Err(SimulateError::NoH264 { clip: name.to_owned(), found })
}

type Timed = Vec<(Vec<Bytes>, i64, i64)>;

fn timed_samples(track: &Track, bytes: &Bytes, length_size: usize) -> Result<(Timed, i64), String> {
    let scale = i128::from(track.timescale.max(1));
    let ticks = |time: i64| i64::try_from(i128::from(time) * i128::from(CLOCK) / scale).unwrap_or(0);
    let begin = track.samples.first().map_or(0, |sample| sample.decode_timestamp);
    let mut timed = Vec::with_capacity(track.samples.len());
    for sample in &track.samples {
        let range = usize::try_from(sample.offset).ok().zip(usize::try_from(sample.size).ok());
        let range = range.and_then(|(offset, size)| Some(offset..offset.checked_add(size)?));
        let range = range.filter(|range| range.end <= bytes.len());
        let sample_bytes = bytes.slice(range.ok_or("it is cut short")?);
        let decode_time = ticks(sample.decode_timestamp - begin);
        let shown = ticks(sample.composition_timestamp - begin);
        timed.push((split_lengths(&sample_bytes, length_size)?, decode_time, shown - decode_time));
    }
    // Offsets may begin below or above 0 (edit lists, `ctts` version 1): the first picture shown is not held back
    // longer than reordering needs.
    let least = timed.iter().map(|(.., offset)| *offset).min().unwrap_or(0);
    timed.iter_mut().for_each(|(.., offset)| *offset -= least);
    let last = track.samples.last().map_or(0, |sample| {
        let steps = i64::try_from(track.samples.len() - 1).unwrap_or(1).max(1);
        let mean = (sample.decode_timestamp - begin) / steps;
        let own = i64::try_from(sample.duration).unwrap_or(0);
        let own = if (1..=mean * 4).contains(&own) { own } else { mean };
        sample.decode_timestamp - begin + own
    });
    Ok((timed, ticks(last)))
}

/// A sample is NAL units, each behind its length (ISO/IEC 14496-15, section 5.3.2).
fn split_lengths(sample: &Bytes, length_size: usize) -> Result<Vec<Bytes>, String> {
    let mut nals = Vec::new();
    let mut at = 0;
    while at + length_size <= sample.len() {
        let length = sample[at..at + length_size].iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        at += length_size;
        let end = at.checked_add(length).filter(|end| *end <= sample.len());
        let end = end.ok_or("a picture's parts do not fit its size")?;
        if length > 0 {
            nals.push(sample.slice(at..end));
        }
        at = end;
    }
    Ok(nals)
}

fn track_kind(mp4: &Mp4, track: &Track) -> String {
    match &track.trak(mp4).mdia.minf.stbl.stsd.contents {
        StsdBoxContent::Hev1(_) | StsdBoxContent::Hvc1(_) => "H.265".to_owned(),
        StsdBoxContent::Av01(_) => "AV1".to_owned(),
        StsdBoxContent::Vp08(_) => "VP8".to_owned(),
        StsdBoxContent::Vp09(_) => "VP9".to_owned(),
        StsdBoxContent::Mp4a(_) => "AAC audio".to_owned(),
        _ => "an unknown codec".to_owned(),
    }
}
