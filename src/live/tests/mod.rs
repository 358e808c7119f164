//! A camera that pushes into a feed, and those who watch it.

mod containers;
mod viewers;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::*;
use crate::{
    media::{
        AccessUnit, Feed, Sound, SoundFormat,
        sample::{self, PPS, SPS},
    },
    status::AudienceCell,
    words::Moment,
};

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
        let received = self.began.after(Duration::from_millis(40 * self.pushed));
        self.feed.push(&sample::unit(key, shown * STEP, received));
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
