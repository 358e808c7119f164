use crate::media::{Life, Picture, Sound};

/// Gives the pieces of a stream times that begin at 0 and only go forward, in ticks of 1/90000 s.
///
/// A camera's clock begins anew with each connection and may be set at any moment; players stand still where time has a
/// hole. So what comes behind a gap follows on at once, one picture's length later.
#[derive(Debug, Default)]
pub struct Timeline {
    /// What is taken off the camera's clock, in which connection; none before the first picture.
    base: Option<(Life, i64)>,
    last: i64,
    step: i64,
    last_sound: Option<i64>,
    is_cut: bool,
}

/// The times of a picture, in ticks of 1/90000 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// When it is to be decoded, since the first picture.
    pub decode: i64,
    /// How much later it is shown. Never negative.
    pub offset: i64,
    /// From the decoding of the picture before to this one's: the best guess of how long it lasts.
    pub step: i64,
}

impl Timeline {
    /// Until there are two pictures: 25 a second.
    const FIRST_STEP: i64 = 3600;
    /// A longer pause is no slow camera but a clock that was set.
    const LONGEST_STEP: i64 = 10 * 90_000;

    /// What comes next does not follow on what came last.
    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The times of the next picture.
    pub fn picture(&mut self, picture: &Picture) -> Time {
        let is_cut = std::mem::take(&mut self.is_cut);
        let follows = self.base.and_then(|(life, base)| {
            let step = picture.decode_time - base - self.last;
            (!is_cut && life == picture.life && (1..=Self::LONGEST_STEP).contains(&step)).then_some(step)
        });
        match (follows, self.base) {
            (Some(step), _) => (self.last, self.step) = (self.last + step, step),
            (None, before) => {
                if before.is_some() {
                    self.last += self.step;
                } else {
                    self.step = Self::FIRST_STEP;
                }
                self.base = Some((picture.life, picture.decode_time - self.last));
            }
        }
        let offset = (picture.unit.timestamp - picture.decode_time).max(0);
        Time { decode: self.last, offset, step: self.step }
    }

    /// When a frame of sound is heard; none if it belongs to no picture that was shown, or comes before the last.
    pub fn sound(&mut self, sound: &Sound, life: Life) -> Option<i64> {
        let (_, base) = self.base.filter(|(of, _)| *of == life && !self.is_cut)?;
        let at = sound.timestamp - base;
        let is_near = (at - self.last).abs() <= Self::LONGEST_STEP;
        if at < 0 || !is_near || self.last_sound.is_some_and(|last| at <= last) {
            return None;
        }
        self.last_sound = Some(at);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::{
        media::{Feed, Piece, SoundFormat, sample},
        words::Moment,
    };

    /// The decoding times that a camera's pictures get; `None`: the camera connects anew; a number behind `CUT` is cut.
    fn times(script: &[Option<i64>]) -> Vec<(i64, i64)> {
        let (feed, mut timeline) = (Arc::new(Feed::default()), Timeline::default());
        let mut follower = feed.follow();
        feed.begin(Some(0), None);
        let mut times = Vec::new();
        for shown in script {
            let Some(shown) = shown else {
                feed.begin(Some(0), None);
                continue;
            };
            feed.push(&sample::unit(true, *shown, Moment::now()));
            let piece = follower.take().expect("a picture");
            let time = timeline.picture(piece.picture().expect("a picture"));
            times.push((time.decode, time.step));
        }
        times
    }

    #[test]
    fn time_begins_at_0_and_goes_with_the_cameras() {
        let given = times(&[Some(90_000), Some(96_000), Some(99_000)]);
        assert_eq!(given, [(0, 3600), (6000, 6000), (9000, 3000)]);
    }

    #[test]
    fn whatever_the_cameras_clock_does_time_goes_on() {
        let another_connection = times(&[Some(90_000), Some(96_000), None, Some(5), Some(6005)]);
        assert_eq!(another_connection.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 6000, 12_000, 18_000]);
        let set_forward = times(&[Some(0), Some(6000), Some(90_000_000), Some(90_006_000)]);
        assert_eq!(set_forward.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 6000, 12_000, 18_000]);
        let set_back = times(&[Some(90_000_000), Some(90_006_000), Some(0), Some(6000)]);
        assert_eq!(set_back.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 6000, 12_000, 18_000]);
    }

    #[test]
    fn a_slow_camera_is_no_gap() {
        assert_eq!(times(&[Some(0), Some(450_000)]), [(0, 3600), (450_000, 450_000)]);
    }

    #[test]
    fn sound_is_heard_with_its_pictures_and_not_twice() {
        let format = Arc::new(SoundFormat { config: Bytes::new(), sample_rate: 48_000, channels: 1 });
        let frame =
            |timestamp| Sound { data: Bytes::new(), timestamp, received: Moment::now(), format: format.clone() };
        let feed = Arc::new(Feed::default());
        feed.begin(Some(0), None);
        feed.push(&sample::unit(true, 1000, Moment::now()));
        let mut follower = feed.follow();
        let piece = follower.take().expect("a picture");
        let (mut timeline, life) = (Timeline::default(), piece.picture().expect("a picture").life);
        assert_eq!(timeline.sound(&frame(1000), life), None, "no picture yet");
        timeline.picture(piece.picture().expect("a picture"));
        assert_eq!(timeline.sound(&frame(900), life), None, "before the first picture");
        assert_eq!(timeline.sound(&frame(1500), life), Some(500));
        assert_eq!(timeline.sound(&frame(1500), life), None);
        assert_eq!(timeline.sound(&frame(2500), life + 1), None, "of another connection");
        assert_eq!(timeline.sound(&frame(90_000_000), life), None, "of another clock");
        timeline.cut();
        assert_eq!(timeline.sound(&frame(2500), life), None, "behind a gap pictures come first");
        assert!(matches!(&*piece, Piece::Picture(_)));
    }
}
