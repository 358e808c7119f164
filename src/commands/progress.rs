use std::{
    io::{self, IsTerminal as _, Write},
    time::Duration,
};

use crate::words::Moment;

/// A line on a terminal's standard error that says how far the work is; nothing where that is no terminal. It goes when
/// it is dropped.
pub(super) struct Progress<W: Write> {
    out: W,
    terminal: bool,
    drawn: Option<Moment>,
}

impl Progress<io::Stderr> {
    pub(super) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), out: io::stderr(), drawn: None }
    }
}

impl<W: Write> Progress<W> {
    /// Redrawing more often than this would only cost time.
    const PAUSE: Duration = Duration::from_millis(100);

    /// Draws the line anew, where it is due. `part` is 0 to 1.
    pub(super) fn show(&mut self, part: f64, text: &str, now: Moment) {
        let due = self.drawn.is_none_or(|drawn| now.since(&drawn) >= Self::PAUSE);
        if self.terminal && due {
            self.drawn = Some(now);
            self.write(&format!("\r\x1b[2K{}", bar(part, text)));
        }
    }

    /// Says something that stays, on a terminal or not.
    pub(super) fn say(&mut self, text: &str) {
        self.clear();
        self.write(&format!("{text}\n"));
    }

    fn clear(&mut self) {
        if self.drawn.take().is_some() {
            self.write("\r\x1b[2K");
        }
    }

    fn write(&mut self, text: &str) {
        // Where nobody can be told there is nothing to do about it.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `[#####     ]  50 %  text`, short enough for any terminal.
fn bar(part: f64, text: &str) -> String {
    const CELLS: usize = 24;
    const TEXT: usize = 44;
    let part = part.clamp(0.0, 1.0);
    let full = (part * CELLS as f64) as usize;
    let percent = (part * 100.0) as u8;
    // Of a long path the end tells more; what a terminal would obey is not written to it.
    let text: Vec<char> = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let text: String = text[text.len().saturating_sub(TEXT)..].iter().collect();
    format!("[{}{}] {percent:3} %  {text}", "#".repeat(full), " ".repeat(CELLS - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(terminal: bool, by: impl FnOnce(&mut Progress<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        by(&mut Progress { out: &mut out, terminal, drawn: None });
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn it_is_redrawn_in_place_not_too_often_and_goes_at_the_end() {
        let now = Moment::now();
        let text = drawn(true, |progress| {
            progress.show(0.0, "a", now);
            progress.show(0.1, "b", now.after(Duration::from_millis(99)));
            progress.show(0.5, "c", now.after(Duration::from_millis(100)));
        });
        let empty = " ".repeat(24);
        let half = format!("{}{}", "#".repeat(12), " ".repeat(12));
        assert_eq!(text, format!("\r\x1b[2K[{empty}]   0 %  a\r\x1b[2K[{half}]  50 %  c\r\x1b[2K"));
    }

    #[test]
    fn where_there_is_no_terminal_only_words_are_said() {
        let text = drawn(false, |progress| {
            progress.show(0.5, "a", Moment::now());
            progress.say("this stays");
        });
        assert_eq!(text, "this stays\n");
    }

    #[test]
    fn a_line_fits_any_terminal_and_obeys_no_file_name() {
        let line = bar(7.0, &format!("{}\x1b[2J.jpg", "a".repeat(500)));
        assert!(line.chars().count() < 80 && line.contains("100 %") && line.ends_with("?[2J.jpg"), "{line}");
    }
}
