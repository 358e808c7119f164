use std::{future::Future, sync::OnceLock, time::Instant};

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{AccessUnit, Sound};

/// A piece of a camera's stream.
#[derive(Debug)]
pub enum Piece {
    /// A coded picture.
    Picture(Picture),
    /// A frame of sound.
    Sound(Sound, Life),
}

/// Counts the camera's connections: with another one, times begin anew.
pub type Life = u64;

/// A coded picture with what must be known to send it on.
#[derive(Debug)]
pub struct Picture {
    /// As it came.
    pub unit: AccessUnit,
    /// When it is to be decoded, in ticks of 1/90000 s on the clock of `unit.timestamp`.
    pub decode_time: i64,
    /// The connection that it came by.
    pub life: Life,
    lengths: OnceLock<Bytes>,
    still: OnceCell<Bytes>,
}

impl Piece {
    /// Its bytes, as they came.
    pub fn data(&self) -> &Bytes {
        match self {
            Self::Picture(picture) => &picture.unit.data,
            Self::Sound(sound, _) => &sound.data,
        }
    }

    /// When it came.
    pub fn received(&self) -> Instant {
        match self {
            Self::Picture(picture) => picture.unit.received.steady,
            Self::Sound(sound, _) => sound.received.steady,
        }
    }

    /// The picture, if it is one.
    pub fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Picture(picture) => Some(picture),
            Self::Sound(..) => None,
        }
    }
}

impl Picture {
    pub(super) fn new(unit: AccessUnit, decode_time: i64, life: Life) -> Self {
        Self { unit, decode_time, life, lengths: OnceLock::new(), still: OnceCell::new() }
    }

    /// Its NAL units with four bytes of length before each instead of start codes (ISO/IEC 14496-15, section 5.3.4.2),
    /// without parameter sets and delimiters: as MP4 and FLV have them. Made once, for all followers.
    pub fn with_lengths(&self) -> Bytes {
        let is_for_the_header = |nal: &&[u8]| nal.first().is_none_or(|head| matches!(head & 0x1f, 7..=9));
        let convert = || {
            let mut out = Vec::with_capacity(self.unit.data.len() + 16);
            for nal in nal_units(&self.unit.data).filter(|nal| !is_for_the_header(nal)) {
                out.extend_from_slice(&u32::try_from(nal.len()).expect("a unit fits into its bound").to_be_bytes());
                out.extend_from_slice(nal);
            }
            Bytes::from(out)
        };
        self.lengths.get_or_init(convert).clone()
    }

    /// It as a JPEG, which `make` makes. Made once, for all followers; who comes meanwhile waits.
    ///
    /// # Errors
    /// Those of `make`; then the next follower tries again.
    pub async fn still<E, F: Future<Output = Result<Bytes, E>>>(&self, make: impl FnOnce() -> F) -> Result<Bytes, E> {
        self.still.get_or_try_init(make).await.cloned()
    }

    /// Its first sequence and picture parameter sets (NAL unit types 7 and 8), if it carries both: key frames do.
    pub fn parameter_sets(&self) -> Option<(&[u8], &[u8])> {
        let of_type = |kind| nal_units(&self.unit.data).find(move |nal| nal.first().is_some_and(|h| h & 0x1f == kind));
        Some((of_type(7)?, of_type(8)?))
    }
}

/// The NAL units of a byte stream (H.264, annex B), without start codes and trailing zeros.
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let start_code = |from: usize| {
        let found = stream.get(from..)?.windows(3).position(|bytes| bytes == [0, 0, 1]);
        found.map(|at| from + at)
    };
    let mut next = start_code(0);
    std::iter::from_fn(move || {
        let start = next? + 3;
        next = start_code(start);
        let mut nal = &stream[start..next.unwrap_or(stream.len())];
        while let [rest @ .., 0] = nal {
            nal = rest;
        }
        Some(nal)
    })
    .filter(|nal| !nal.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Moment;

    #[test]
    fn nal_units_are_found_whatever_their_start_codes() {
        let stream =
            [&[0, 0, 0, 1, 0x67, 1, 2][..], &[0, 0, 1, 0x68, 3], &[0, 0, 0, 1, 0x65, 0, 0, 2, 9, 0, 0]].concat();
        let found: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(found, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 0, 0, 2, 9]]);
        assert_eq!(nal_units(&[1, 2, 3]).count() + nal_units(&[]).count() + nal_units(&[0, 0, 1]).count(), 0);
        let data = Bytes::from(stream);
        let unit =
            AccessUnit { data, timestamp: 0, received: Moment::now(), key: true, disposable: false, lost_packets: 0 };
        let picture = Picture::new(unit, 0, 0);
        assert_eq!(picture.with_lengths()[..], [0, 0, 0, 5, 0x65, 0, 0, 2, 9]);
        assert_eq!(picture.parameter_sets(), Some((&[0x67, 1, 2][..], &[0x68, 3][..])));
    }
}
