//! Fragmented MP4 (ISO/IEC 14496-12, section 8.8), one fragment a picture, as Media Source Extensions take it.
//!
//! How long a picture lasts is known only when the next one comes. Waiting for that would cost a picture's length of
//! delay, so each says how long the one before lasted; when it is decoded is exact, as each fragment says it anew.

use std::sync::Arc;

use mp4_atom::{
    Audio, Avc1, Codec, Dinf, Dref, DrefEntry, Encode, Esds, Ftyp, Hdlr, Mdhd, Mdia, Mfhd, Minf, Moof, Moov, Mp4a,
    Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Tfdt, Tfhd, Tkhd, Traf, Trak, Trex, Trun, TrunEntry, Url, Visual, Vmhd,
    esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig},
};

use super::{Container, Cue, Layout, Time};
use crate::media::{Piece, SoundFormat};

/// A stream of fragmented MP4.
#[derive(Debug, Default)]
pub(super) struct Fmp4 {
    fragments: u32,
    sound: Option<Arc<SoundFormat>>,
    /// Frames of sound that go with the next picture.
    waiting: Vec<(Arc<Piece>, i64)>,
    /// Where the sound that was written ends, in samples.
    sound_end: u64,
}

const VIDEO: u32 = 1;
const SOUND: u32 = 2;
/// Ticks a second of the pictures' times.
const CLOCK: u32 = 90_000;
/// Samples in a frame of AAC (ISO/IEC 14496-3, section 4.5.2.1.1).
const FRAME: u32 = 1024;
/// Between two pictures; more are dropped.
const MOST_WAITING: usize = 64;
/// Nothing depends on the pictures before it; or it depends on others and is no place to start.
const KEY: u32 = 0x0200_0000;
const NO_KEY: u32 = 0x0101_0000;

impl Container for Fmp4 {
    fn content_type(&self, layout: &Layout) -> String {
        format!("video/mp4; codecs=\"{}\"", layout.codecs())
    }

    fn write(&mut self, cue: &Cue, out: &mut Vec<u8>) {
        match cue {
            Cue::Layout(layout) => {
                self.sound.clone_from(&layout.sound);
                (self.waiting, self.sound_end) = (Vec::new(), 0);
                put(&header(), out);
                put(&tracks(layout), out);
            }
            Cue::Picture { piece, time } => self.write_fragment(piece, *time, out),
            Cue::Sound { piece, at } => {
                if self.sound.is_some() && self.waiting.len() < MOST_WAITING {
                    self.waiting.push((Arc::clone(piece), *at));
                }
            }
        }
    }
}

impl Fmp4 {
    fn write_fragment(&mut self, piece: &Piece, time: Time, out: &mut Vec<u8>) {
        let Some(picture) = piece.picture() else { return };
        let data = picture.with_lengths();
        self.fragments = self.fragments.wrapping_add(1);
        let entry = TrunEntry {
            duration: Some(ticks(time.step)),
            size: Some(data.len() as u32),
            flags: Some(if picture.unit.key { KEY } else { NO_KEY }),
            cts: Some(time.offset),
        };
        let mut runs = vec![run(VIDEO, time.decode.unsigned_abs(), vec![entry])];
        let sound: Vec<Arc<Piece>> = match self.waiting.first() {
            Some((_, first)) => {
                let begin = self.begin_sound(*first);
                let sound: Vec<_> = self.waiting.drain(..).map(|(piece, _)| piece).collect();
                let entry = |piece: &Arc<Piece>| TrunEntry {
                    duration: Some(FRAME),
                    size: Some(piece.data().len() as u32),
                    ..TrunEntry::default()
                };
                runs.push(run(SOUND, begin, sound.iter().map(entry).collect()));
                self.sound_end = begin + u64::from(FRAME) * sound.len() as u64;
                sound
            }
            None => Vec::new(),
        };
        let mut fragment = Moof { mfhd: Mfhd { sequence_number: self.fragments }, traf: runs };
        let start = out.len();
        put(&fragment, out);
        // Offsets count from the fragment's first byte, so its length must be known before it is written.
        let mut offset = out.len() - start + 8;
        for (run, len) in fragment.traf.iter_mut().zip([data.len(), 0]) {
            run.trun[0].data_offset = i32::try_from(offset).ok();
            offset += len;
        }
        out.truncate(start);
        put(&fragment, out);
        let len = 8 + data.len() + sound.iter().map(|piece| piece.data().len()).sum::<usize>();
        out.extend_from_slice(&(len as u32).to_be_bytes());
        out.extend_from_slice(b"mdat");
        out.extend_from_slice(&data);
        sound.iter().for_each(|piece| out.extend_from_slice(piece.data()));
    }

    /// Where sound that is heard at `at` begins, in samples: right behind what came before, unless it is clearly later.
    /// Times are rounded on their way, and players hear it where frames of sound overlap.
    fn begin_sound(&self, at: i64) -> u64 {
        let rate = self.sound.as_ref().map_or(CLOCK, |sound| sound.sample_rate);
        let asked = at.unsigned_abs() * u64::from(rate) / u64::from(CLOCK);
        let follows = self.sound_end > 0 && asked <= self.sound_end + u64::from(rate) / 10;
        if follows { self.sound_end } else { asked }
    }
}

fn ticks(step: i64) -> u32 {
    u32::try_from(step).unwrap_or(u32::MAX)
}

fn put(atom: &impl Encode, out: &mut Vec<u8>) {
    atom.encode(out).expect("writing into memory does not fail");
}

fn run(track_id: u32, begin: u64, samples: Vec<TrunEntry>) -> Traf {
    Traf {
        tfhd: Tfhd { track_id, default_base_is_moof: true, ..Tfhd::default() },
        tfdt: Some(Tfdt { base_media_decode_time: begin }),
        trun: vec![Trun { data_offset: Some(0), samples: samples.into() }],
        ..Traf::default()
    }
}

fn header() -> Ftyp {
    let brands = [b"iso5", b"iso6", b"mp41"].map(Into::into);
    Ftyp { major_brand: b"iso5".into(), minor_version: 512, compatible_brands: brands.into() }
}

fn tracks(layout: &Layout) -> Moov {
    let mut trak = vec![video_track(layout)];
    trak.extend(layout.sound.as_deref().map(sound_track));
    let extends = |track_id| Trex { track_id, default_sample_description_index: 1, ..Trex::default() };
    let trex = trak.iter().map(|track| extends(track.tkhd.track_id)).collect();
    let next_track_id = trak.len() as u32 + 1;
    let mvhd = Mvhd { timescale: 1000, rate: 1.into(), volume: 1.into(), next_track_id, ..Mvhd::default() };
    Moov { mvhd, mvex: Some(Mvex { mehd: None, trex }), trak, ..Moov::default() }
}

fn video_track(layout: &Layout) -> Trak {
    let (width, height) = (layout.video.width, layout.video.height);
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    let codec = Codec::Avc1(Avc1 { visual, avcc: layout.video.avcc(), ..Avc1::default() });
    let tkhd = Tkhd { width: width.into(), height: height.into(), ..track_header(VIDEO) };
    track(tkhd, CLOCK, *b"vide", Minf { vmhd: Some(Vmhd::default()), ..media(codec) })
}

fn sound_track(sound: &SoundFormat) -> Trak {
    let audio = Audio {
        data_reference_index: 1,
        channel_count: sound.channels,
        sample_size: 16,
        // Above 65535 there is no room for it here; the decoder goes by its own configuration.
        sample_rate: u16::try_from(sound.sample_rate).unwrap_or(0).into(),
    };
    let dec_specific = DecoderSpecific { raw: sound.config.to_vec(), ..DecoderSpecific::default() };
    let dec_config = DecoderConfig {
        object_type_indication: 0x40, // MPEG-4 audio (ISO/IEC 14496-1, table 5)
        stream_type: 5,
        dec_specific: Some(dec_specific),
        ..DecoderConfig::default()
    };
    let es_desc =
        EsDescriptor { es_id: SOUND as u16, dec_config, sl_config: SLConfig::default(), ..EsDescriptor::default() };
    let codec = Codec::Mp4a(Mp4a { audio, esds: Esds { es_desc }, btrt: None, taic: None });
    let tkhd = Tkhd { volume: 1.into(), ..track_header(SOUND) };
    track(tkhd, sound.sample_rate, *b"soun", Minf { smhd: Some(Smhd::default()), ..media(codec) })
}

fn track_header(track_id: u32) -> Tkhd {
    Tkhd { track_id, enabled: true, in_movie: true, ..Tkhd::default() }
}

fn track(tkhd: Tkhd, timescale: u32, handler: [u8; 4], minf: Minf) -> Trak {
    let mdhd = Mdhd { timescale, language: "und".into(), ..Mdhd::default() };
    let hdlr = Hdlr { handler: (&handler).into(), name: "Lookout".into() };
    Trak { tkhd, mdia: Mdia { mdhd, hdlr, minf }, ..Trak::default() }
}

/// Where the media is: in the stream itself, with all tables empty.
fn media(codec: Codec) -> Minf {
    let dinf = Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url { location: String::new() })] } };
    let stbl = Stbl { stsd: Stsd { codecs: vec![codec] }, stco: Some(Stco::default()), ..Stbl::default() };
    Minf { dinf, stbl, ..Minf::default() }
}
