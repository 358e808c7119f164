//! FLV (Adobe Flash Video File Format Specification 10.1, annex E): a header, then tags with their times in
//! milliseconds. RTMP carries the bodies of the same tags.

use super::{Configuration, Container, Cue, Layout, Time};
use crate::media::{Picture, SoundFormat};

/// A stream of FLV.
#[derive(Debug, Default)]
pub(super) struct Flv {
    has_begun: bool,
    /// When the last picture is decoded, in ms: what describes the next ones stands there.
    now_ms: u32,
}

const SOUND: u8 = 8;
const VIDEO: u8 = 9;
const SCRIPT: u8 = 18;

impl Container for Flv {
    fn content_type(&self, _: &Layout) -> String {
        "video/x-flv".into()
    }

    fn write(&mut self, cue: &Cue, out: &mut Vec<u8>) {
        match cue {
            Cue::Layout(layout) => {
                if !std::mem::replace(&mut self.has_begun, true) {
                    let has_sound = u8::from(layout.sound.is_some());
                    out.extend_from_slice(&[b'F', b'L', b'V', 1, has_sound << 2 | 1, 0, 0, 0, 9, 0, 0, 0, 0]);
                    write_tag(out, SCRIPT, 0, |body| write_metadata(body, layout));
                }
                write_tag(out, VIDEO, self.now_ms, |body| write_video_header(body, &layout.video));
                if let Some(sound) = &layout.sound {
                    write_tag(out, SOUND, self.now_ms, |body| write_sound_header(body, sound));
                }
            }
            Cue::Picture { piece, time } => {
                self.now_ms = milliseconds(time.decode);
                if let Some(picture) = piece.picture() {
                    write_tag(out, VIDEO, self.now_ms, |body| write_picture(body, picture, *time));
                }
            }
            Cue::Sound { piece, at } => {
                write_tag(out, SOUND, milliseconds(*at), |body| write_sound(body, piece.data()));
            }
        }
    }
}

/// In FLV time has 32 bits and begins anew after 49 days.
pub(super) fn milliseconds(ticks: i64) -> u32 {
    (ticks / 90) as u32
}

/// What the pictures are (AVCPacketType 0).
pub(super) fn write_video_header(body: &mut Vec<u8>, video: &Configuration) {
    body.extend_from_slice(&[0x17, 0, 0, 0, 0]);
    body.extend_from_slice(&video.record());
}

/// A picture (AVCPacketType 1).
pub(super) fn write_picture(body: &mut Vec<u8>, picture: &Picture, time: Time) {
    let later = milliseconds(time.decode + time.offset).wrapping_sub(milliseconds(time.decode));
    let [_, later @ ..] = later.to_be_bytes();
    body.extend_from_slice(&[if picture.unit.key { 0x17 } else { 0x27 }, 1]);
    body.extend_from_slice(&later);
    body.extend_from_slice(&picture.with_lengths());
}

/// What the sound is (AACPacketType 0). The rate and size in its first byte count for nothing in AAC.
pub(super) fn write_sound_header(body: &mut Vec<u8>, sound: &SoundFormat) {
    body.extend_from_slice(&[0xaf, 0]);
    body.extend_from_slice(&sound.config);
}

/// A frame of sound (AACPacketType 1).
pub(super) fn write_sound(body: &mut Vec<u8>, frame: &[u8]) {
    body.extend_from_slice(&[0xaf, 1]);
    body.extend_from_slice(frame);
}

fn write_tag(out: &mut Vec<u8>, kind: u8, at_ms: u32, write_body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let [high, time @ ..] = at_ms.to_be_bytes();
    out.extend_from_slice(&[kind, 0, 0, 0]);
    out.extend_from_slice(&time);
    out.extend_from_slice(&[high, 0, 0, 0]);
    write_body(out);
    let size = u32::try_from(out.len() - start - 11).expect("a feed keeps no piece of more than 16 MiB");
    out[start + 1..start + 4].copy_from_slice(&size.to_be_bytes()[1..]);
    out.extend_from_slice(&(size + 11).to_be_bytes());
}

/// `onMetaData` with an ECMA array, in AMF0.
fn write_metadata(body: &mut Vec<u8>, layout: &Layout) {
    let mut facts = vec![
        ("width", f64::from(layout.video.width)),
        ("height", f64::from(layout.video.height)),
        ("videocodecid", 7.0),
    ];
    if let Some(sound) = &layout.sound {
        facts.extend([("audiocodecid", 10.0), ("audiosamplerate", f64::from(sound.sample_rate))]);
    }
    let write_name = |body: &mut Vec<u8>, name: &str| {
        body.extend_from_slice(&u16::try_from(name.len()).expect("names are short").to_be_bytes());
        body.extend_from_slice(name.as_bytes());
    };
    body.push(2);
    write_name(body, "onMetaData");
    body.push(8);
    body.extend_from_slice(&(facts.len() as u32).to_be_bytes());
    for (name, value) in facts {
        write_name(body, name);
        body.push(0);
        body.extend_from_slice(&value.to_be_bytes());
    }
    body.extend_from_slice(&[0, 0, 9]);
}
