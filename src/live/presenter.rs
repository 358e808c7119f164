use std::sync::Arc;

use super::{Configuration, Layout, Time, Timeline};
use crate::media::{Feed, Follower, Piece};

/// Follows a camera and says what comes, with times that only go forward.
#[derive(Debug)]
pub struct Presenter {
    feed: Arc<Feed>,
    follower: Follower,
    timeline: Timeline,
    layout: Option<Arc<Layout>>,
    /// The picture behind a layout that was just said.
    held: Option<Cue>,
    skipped: u64,
}

/// What comes next.
#[derive(Debug, Clone)]
pub enum Cue {
    /// What follows is this. The first cue, and again where the stream changes.
    Layout(Arc<Layout>),
    /// A picture.
    Picture {
        /// The picture.
        piece: Arc<Piece>,
        /// Its times.
        time: Time,
    },
    /// A frame of sound.
    Sound {
        /// The frame.
        piece: Arc<Piece>,
        /// When it is heard, in ticks of 1/90000 s since the first picture.
        at: i64,
    },
}

impl Presenter {
    /// From the newest key frame on.
    pub fn new(feed: &Arc<Feed>) -> Self {
        Self {
            feed: Arc::clone(feed),
            follower: feed.follow(),
            timeline: Timeline::default(),
            layout: None,
            held: None,
            skipped: 0,
        }
    }

    /// The next cue; waits for it. `None`: the camera is no more.
    pub async fn next(&mut self) -> Option<Cue> {
        loop {
            if let Some(cue) = self.held.take() {
                return Some(cue);
            }
            let piece = self.follower.next().await?;
            if let Some(cue) = self.present(piece) {
                return Some(cue);
            }
        }
    }

    /// The next cue, if it is there.
    pub fn take(&mut self) -> Option<Cue> {
        loop {
            if let Some(cue) = self.held.take() {
                return Some(cue);
            }
            let piece = self.follower.take()?;
            if let Some(cue) = self.present(piece) {
                return Some(cue);
            }
        }
    }

    /// How often it was too slow, and went on at the newest key frame.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn present(&mut self, piece: Arc<Piece>) -> Option<Cue> {
        if std::mem::replace(&mut self.skipped, self.follower.skipped()) != self.follower.skipped() {
            self.timeline.cut();
        }
        let picture = match &*piece {
            Piece::Picture(picture) => picture,
            Piece::Sound(sound, life) => {
                let is_said = self.layout.as_ref()?.sound.as_ref() == Some(&sound.format);
                let at = self.timeline.sound(sound, *life).filter(|_| is_said)?;
                return Some(Cue::Sound { piece, at });
            }
        };
        let changed = picture.unit.key.then(|| self.changed(picture)).flatten();
        self.layout.as_ref().or(changed.as_ref())?;
        let time = self.timeline.picture(picture);
        let shown = Cue::Picture { piece, time };
        match changed {
            Some(layout) => {
                self.layout = Some(Arc::clone(&layout));
                self.held = Some(shown);
                Some(Cue::Layout(layout))
            }
            None => Some(shown),
        }
    }

    /// What a key frame says of the stream, if it is not what was said before.
    fn changed(&self, key_frame: &crate::media::Picture) -> Option<Arc<Layout>> {
        let sound = self.feed.sound();
        if self.layout.as_ref().is_some_and(|said| said.video.fits(key_frame) && said.sound == sound) {
            return None;
        }
        Some(Arc::new(Layout { video: Configuration::of(key_frame)?, sound }))
    }
}
