//! How it is doing, in one line.

use std::time::Duration;

use crate::{
    status::{Board, CameraState, Latency, Usage, usage},
    words::Moment,
};

/// When the next line is due, and what the last one said of the processor.
#[derive(Debug)]
pub(super) struct Figures {
    every: Duration,
    last: Moment,
    cpu_seconds: f64,
}

impl Figures {
    /// The first line comes after a while, too; on a terminal, where a line costs no room, they come more often.
    pub(super) fn new(now: Moment, terminal: bool) -> Self {
        let every = Duration::from_secs(if terminal { 1 } else { 5 });
        Self { every, last: now, cpu_seconds: usage().map_or(0.0, |usage| usage.cpu_seconds) }
    }

    /// The line, when it is due.
    pub(super) fn line(&mut self, board: &Board, now: Moment) -> Option<String> {
        let passed = now.since(&self.last);
        if passed < self.every {
            return None;
        }
        self.last = now;
        let process = usage().map(|usage| {
            let spent = usage.cpu_seconds - std::mem::replace(&mut self.cpu_seconds, usage.cpu_seconds);
            process(&usage, spent / passed.as_secs_f64())
        });
        Some(format!("{}{}", work(board), process.unwrap_or_default()))
    }
}

fn work(board: &Board) -> String {
    let cameras = board.cameras();
    let streaming = cameras.iter().filter(|cell| cell.state().state == CameraState::Streaming).count();
    let received: u64 = cameras.iter().map(|cell| cell.frames.received.get()).sum();
    let detected: u64 = cameras.iter().map(|cell| cell.frames.detected.get()).sum();
    let latency = Latency::quantiles_of(cameras.iter().map(|cell| &cell.latency));
    let latency =
        latency.map(|q| format!(" | frame to detection {:.0} ms median, {:.0} ms p99", q.p50 * 1e3, q.p99 * 1e3));
    format!(
        "          {streaming} of {} cameras stream | {received} frames, {detected} looked at{}",
        cameras.len(),
        latency.unwrap_or_default()
    )
}

fn process(usage: &Usage, cores: f64) -> String {
    format!(" | {:.0} % of a core, {} MiB", cores * 100.0, usage.resident_bytes >> 20)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::status::CameraCell;

    #[test]
    fn the_line_comes_when_it_is_due_and_says_what_is() {
        let board = Board::default();
        for id in ["door", "yard"] {
            board.add_camera(Arc::new(CameraCell::new(id.parse().expect("an id"), id.into(), String::new())));
        }
        let door = board.camera("door").expect("it was added");
        door.enter(CameraState::Streaming, None, None);
        door.frames.received.add(7);
        door.frames.detected.add(3);
        door.latency.record(Duration::from_millis(40));
        let start = Moment::now();
        let mut figures = Figures::new(start, false);
        assert_eq!(figures.line(&board, start.after(Duration::from_secs(4))), None);
        let line = figures.line(&board, start.after(Duration::from_secs(5))).expect("it is due");
        let expected = "1 of 2 cameras stream | 7 frames, 3 looked at | frame to detection 40 ms median, 40 ms p99 | ";
        assert!(line.contains(expected), "{line}");
        assert!(line.ends_with(" MiB"), "{line}");
        assert_eq!(figures.line(&board, start.after(Duration::from_secs(9))), None, "5 s after the last one");
    }
}
