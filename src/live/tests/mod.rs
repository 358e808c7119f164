//! A camera that pushes into a feed, and those who watch it.

mod containers;
mod viewers;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::*;
use crate::{
    media::{AccessUnit, Feed, Sound, SoundFormat},
    status::AudienceCell,
    words::Moment,
};

/// Parameter sets of a picture of 128x96 pixels, High profile.
const SPS: [u8; 24] = [
    0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x42, 0x0d, 0xb0, 0x11, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x14, 0x0f, 0x12, 0x25, 0x96,
];
const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
/// Ticks between two pictures: 25 a second.
const STEP: i64 = 3600;

/// A camera with a key frame every ten pictures.
struct Camera {
    feed: Arc<Feed>,
    began: Moment,
    pushed: u64,
}

impl Camera {
    fn new(sound: Option<Arc<SoundFormat>>) -> Self {
        let camera = Self { feed: Arc::default(), began: Moment::now(), pushed: 0 };
        camera.feed.begin(Some(0), sound);
        camera
    }

    /// Pushes the next picture; it is shown at `shown` pictures' lengths.
    fn push_shown(&mut self, shown: i64) {
        let key = self.pushed.is_multiple_of(10);
        let slice: &[u8] = if key { &[0, 0, 0, 1, 0x65, 7, 7] } else { &[0, 0, 0, 1, 0x41, 8] };
        let sets = [&[0, 0, 0, 1][..], &SPS, &[0, 0, 0, 1], &PPS].concat();
        let data = if key { [&sets[..], slice].concat() } else { slice.to_vec() };
        let received = self.began.after(Duration::from_millis(40 * self.pushed));
        let timestamp = shown * STEP;
        self.feed.push(&AccessUnit { data: data.into(), timestamp, received, key, disposable: false, lost_packets: 0 });
        self.pushed += 1;
    }

    fn push(&mut self, pictures: u64) {
        for _ in 0..pictures {
            self.push_shown(self.pushed as i64);
        }
    }

    fn push_sound(&self, at: i64, format: &Arc<SoundFormat>) {
        let (data, received) = (Bytes::from_static(&[9, 9, 9]), self.began);
        self.feed.push_sound(Sound { data, timestamp: at, received, format: Arc::clone(format) });
    }
}

/// AAC-LC, 48 kHz, two channels.
fn stereo() -> Arc<SoundFormat> {
    Arc::new(SoundFormat { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 })
}

fn audience(at_most: usize) -> (Audience, Arc<AudienceCell>) {
    let cell = Arc::new(AudienceCell::default());
    (Audience::new(at_most, Arc::clone(&cell)), cell)
}

async fn watch(camera: &Camera, kind: ContainerKind, seat: Seat) -> Viewer {
    Viewer::open(&camera.feed, kind, seat, Duration::from_secs(10)).await.expect("a key frame is there")
}
