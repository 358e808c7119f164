use std::time::{Duration, Instant};

use crate::{media::AccessUnit, status::SkipReason, words::Moment};

/// Chooses which access units are worth decoding for one sample every so often, and which pictures are samples.
///
/// Where key frames come at least as often as samples are wanted, key frames alone are decoded, each by itself.
/// Otherwise everything is, but for what no other picture refers to while no sample is due. After a loss nothing is until
/// a clean key frame. While a burst wants every picture, everything is decoded without exception, from the next clean key
/// frame on; which pictures are samples stays the same.
#[derive(Debug)]
pub struct Pacer {
    every: Duration,
    due: Option<Instant>,
    mode: Mode,
    awaiting_key_frame: bool,
    every_picture: bool,
}

/// What to do with an access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A sample is due and this key frame shows it: decode it by itself.
    DecodeAlone,
    /// Decode it with what came before.
    Decode,
    /// Leave it out.
    Skip(SkipReason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    KeyFrames,
    Everything,
}

impl Pacer {
    /// A pacer for one sample per `every`.
    pub fn new(every: Duration) -> Self {
        Self { every, due: None, mode: Mode::KeyFrames, awaiting_key_frame: true, every_picture: false }
    }

    /// Whether every picture is wanted for now, whatever is sampled.
    pub fn want_every_picture(&mut self, wanted: bool) {
        self.every_picture = wanted;
    }

    /// Judges a unit. `key_interval` is the time between key frames to count on.
    pub fn judge(&mut self, unit: &AccessUnit, key_interval: Duration) -> Verdict {
        // Loss is noted on the unit after it. A key frame behind a loss may itself lack its first packets.
        if unit.lost_packets > 0 {
            self.awaiting_key_frame = true;
            return Verdict::Skip(SkipReason::AwaitingKeyFrame);
        }
        let mode = self.mode_for(unit, key_interval);
        if mode == Mode::Everything && self.mode == Mode::KeyFrames && !unit.key {
            self.awaiting_key_frame = true; // what this unit refers to was left out
        }
        if unit.key {
            self.awaiting_key_frame = false;
        }
        if self.awaiting_key_frame {
            return Verdict::Skip(SkipReason::AwaitingKeyFrame);
        }
        self.mode = mode;
        match mode {
            Mode::KeyFrames if !unit.key => Verdict::Skip(SkipReason::NotDue),
            Mode::KeyFrames => {
                // The key frame nearest to the due time is the sample.
                let half = key_interval.min(self.every) / 2;
                if self.is_due(unit.received.steady + half) {
                    Verdict::DecodeAlone
                } else {
                    Verdict::Skip(SkipReason::NotDue)
                }
            }
            Mode::Everything if self.can_spare(unit) => Verdict::Skip(SkipReason::Disposable),
            Mode::Everything => Verdict::Decode,
        }
    }

    /// Whether a picture captured at `captured` is a sample.
    pub fn wants(&self, captured: Moment) -> bool {
        self.is_due(captured.steady)
    }

    /// A sample was taken: sets when the next is due. The schedule is kept, so that the average rate is exact.
    pub fn sampled(&mut self, captured: Moment) {
        let next = self.due.unwrap_or(captured.steady) + self.every;
        self.due = Some(next.max(captured.steady + self.every / 2));
    }

    /// Decoding failed: nothing is right until the next key frame.
    pub fn broke(&mut self) {
        self.awaiting_key_frame = true;
    }

    /// Whether a decoder has to be kept between units.
    pub fn keeps_decoder(&self) -> bool {
        self.mode == Mode::Everything && !self.awaiting_key_frame
    }

    /// Whether it can be left out: no other picture refers to it, and no sample is due. Where pictures refer to key frames
    /// alone, samples come of such units.
    fn can_spare(&self, unit: &AccessUnit) -> bool {
        unit.disposable && !unit.key && !self.every_picture && !self.is_due(unit.received.steady)
    }

    fn is_due(&self, at: Instant) -> bool {
        self.due.is_none_or(|due| at >= due)
    }

    fn mode_for(&self, unit: &AccessUnit, key_interval: Duration) -> Mode {
        // Other units refer to what was left out while only key frames were decoded.
        if self.every_picture && (unit.key || self.mode == Mode::Everything) {
            return Mode::Everything;
        }
        // A tenth of tolerance: a camera's "one second" is not exact.
        let reach = self.every + self.every / 10;
        if key_interval <= reach { Mode::KeyFrames } else { Mode::Everything }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn unit(at: Moment, key: bool) -> AccessUnit {
        AccessUnit { data: Bytes::new(), timestamp: 0, received: at, key, disposable: false, lost_packets: 0 }
    }

    /// Plays `seconds` of a camera and returns when samples were taken, in ms, and how many units were decoded.
    fn play(every: f32, fps: u64, gop: u64, seconds: u64) -> (Vec<u64>, usize) {
        play_changed(every, fps, gop, seconds, |_, _| {})
    }

    /// The same of a camera that makes something else of each unit, which it is given with its number.
    fn play_changed(
        every: f32,
        fps: u64,
        gop: u64,
        seconds: u64,
        change: impl Fn(u64, &mut AccessUnit),
    ) -> (Vec<u64>, usize) {
        let (began, mut pacer) = (Moment::now(), Pacer::new(Duration::from_secs_f32(every)));
        let mut meter = super::super::Meter::default();
        let (mut samples, mut decoded) = (Vec::new(), 0);
        for i in 0..fps * seconds {
            let mut unit = unit(began.after(Duration::from_micros(i * 1_000_000 / fps)), i % gop == 0);
            unit.timestamp = (i * 90_000 / fps) as i64;
            change(i, &mut unit);
            meter.note(&unit);
            let verdict = pacer.judge(&unit, meter.expected_interval(unit.received));
            if !matches!(verdict, Verdict::Skip(_)) {
                decoded += 1;
            }
            if verdict == Verdict::DecodeAlone || verdict == Verdict::Decode && pacer.wants(unit.received) {
                samples.push(unit.received.since(&began).as_millis() as u64);
                pacer.sampled(unit.received);
            }
        }
        (samples, decoded)
    }

    #[test]
    fn key_frames_alone_are_decoded_where_they_come_often_enough() {
        let (samples, decoded) = play(4.0, 15, 15, 60);
        assert_eq!(samples, (0..15).map(|i| i * 4000).collect::<Vec<_>>());
        assert_eq!(decoded, 15, "nothing else is decoded");
    }

    #[test]
    fn the_average_rate_is_kept_where_key_frames_do_not_fall_on_it() {
        let (samples, decoded) = play(4.0, 10, 30, 120);
        assert_eq!(decoded, samples.len());
        assert!((29..=31).contains(&samples.len()), "one in 4 s for 120 s, got {}", samples.len());
    }

    #[test]
    fn everything_is_decoded_where_samples_are_wanted_more_often() {
        let (samples, decoded) = play(0.2, 25, 50, 20);
        assert!((99..=101).contains(&samples.len()), "five a second for 20 s, got {}", samples.len());
        assert_eq!(decoded, 500);
    }

    #[test]
    fn a_long_group_of_pictures_is_noticed_and_decoded_through() {
        let (samples, _) = play(1.0, 10, 100, 60);
        let late = samples.windows(2).filter(|w| w[1] - w[0] > 1100).count();
        assert!(late <= 1, "only the first group may be missed: {samples:?}");
        assert!(samples.len() >= 50, "{}", samples.len());
    }

    /// Key frames ten seconds apart, or two and a half, and a clock that says a second or nothing at all.
    #[test]
    fn a_camera_whose_clock_is_wrong_is_sampled_at_its_pace() {
        let slow = |_, unit: &mut AccessUnit| unit.timestamp = unit.timestamp * 4 / 10;
        let slower = |_, unit: &mut AccessUnit| unit.timestamp /= 10;
        let stopped = |_, unit: &mut AccessUnit| unit.timestamp = 0;
        let begins_anew = |i: u64, unit: &mut AccessUnit| unit.timestamp = (i % 100) as i64 * 9000;
        for (what, (samples, _)) in [
            ("slow", play_changed(1.0, 10, 25, 60, slow)),
            ("slow, ten seconds apart", play_changed(1.0, 10, 100, 60, slow)),
            ("slower", play_changed(1.0, 10, 100, 60, slower)),
            ("stopped", play_changed(1.0, 10, 100, 60, stopped)),
            ("anew at each key frame", play_changed(1.0, 10, 100, 60, begins_anew)),
        ] {
            assert!(samples.len() >= 50, "{what}: {} in 60 s: {samples:?}", samples.len());
        }
    }

    #[test]
    fn every_picture_can_be_wanted_for_a_while_and_samples_keep_their_pace() {
        // Key frames once a second, one sample in two; a burst wants everything from 4.5 s to 6.3 s.
        let (began, mut pacer) = (Moment::now(), Pacer::new(Duration::from_secs(2)));
        let (mut samples, mut verdicts) = (Vec::new(), Vec::new());
        for i in 0..120_u64 {
            let mut unit = unit(began.after(Duration::from_millis(i * 100)), i % 10 == 0);
            unit.disposable = i % 3 == 1;
            pacer.want_every_picture((45..63).contains(&i));
            let verdict = pacer.judge(&unit, Duration::from_secs(1));
            verdicts.push(verdict);
            if verdict == Verdict::DecodeAlone || verdict == Verdict::Decode && pacer.wants(unit.received) {
                samples.push(i);
                pacer.sampled(unit.received);
            }
        }
        assert_eq!(samples, [0, 20, 40, 60, 80, 100]);
        assert_eq!(verdicts[45..50], [Verdict::Skip(SkipReason::NotDue); 5], "until a key frame comes");
        assert_eq!(verdicts[50..63], [Verdict::Decode; 13], "disposable ones, too");
        assert_eq!(verdicts[63..80], [Verdict::Skip(SkipReason::NotDue); 17], "and back");
        assert!(!pacer.keeps_decoder());
    }

    #[test]
    fn invariant_5_after_a_loss_nothing_until_the_next_clean_key_frame() {
        let (now, mut pacer) = (Moment::now(), Pacer::new(Duration::from_millis(100)));
        let judge = |pacer: &mut Pacer, key, lost_packets| {
            pacer.judge(&AccessUnit { lost_packets, ..unit(now, key) }, Duration::from_secs(2))
        };
        let awaiting = Verdict::Skip(SkipReason::AwaitingKeyFrame);
        assert_eq!(judge(&mut pacer, false, 0), awaiting, "a stream is joined at a key frame");
        assert_eq!(judge(&mut pacer, true, 0), Verdict::Decode);
        assert_eq!(judge(&mut pacer, false, 0), Verdict::Decode);
        assert_eq!(judge(&mut pacer, false, 3), awaiting);
        assert_eq!(judge(&mut pacer, false, 0), awaiting);
        assert_eq!(judge(&mut pacer, true, 1), awaiting, "a key frame behind a loss may lack its first packets");
        assert_eq!(judge(&mut pacer, true, 0), Verdict::Decode);
        pacer.broke();
        assert_eq!(judge(&mut pacer, false, 0), awaiting);
        assert!(!pacer.keeps_decoder());
    }

    #[test]
    fn samples_come_at_their_pace_where_all_but_the_key_frames_is_disposable() {
        let (samples, decoded) = play_changed(1.0, 10, 40, 60, |_, unit| unit.disposable = !unit.key);
        assert!(samples.len() >= 56, "one a second but in the first four: {samples:?}");
        let late = samples.windows(2).filter(|w| w[1] - w[0] > 1100).count();
        assert!(late <= 1, "{samples:?}");
        assert!(decoded <= samples.len() + 15, "key frames, and one unit a sample: {decoded}");
    }

    #[test]
    fn disposable_units_are_left_out() {
        let (now, mut pacer) = (Moment::now(), Pacer::new(Duration::from_millis(100)));
        let interval = Duration::from_secs(2);
        pacer.judge(&unit(now, true), interval);
        pacer.sampled(now);
        let verdict = pacer.judge(&AccessUnit { disposable: true, ..unit(now, false) }, interval);
        assert_eq!(verdict, Verdict::Skip(SkipReason::Disposable));
        assert_eq!(pacer.judge(&unit(now, false), interval), Verdict::Decode, "and what follows is still decodable");
    }
}
