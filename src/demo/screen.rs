//! A place to write lines to, the last of which is redrawn where that can be done.

use std::io::{self, Write};

/// Back to the begin of the line, and empty it (ECMA-48, EL).
const EMPTY_LINE: &str = "\r\x1b[2K";
/// A line that is longer than the terminal is wide is cut while this is in force (DECAWM): a wrapped one could not be
/// redrawn.
const CUT: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Lines that stay, and below them, on a terminal, one that is redrawn.
#[derive(Debug)]
pub(super) struct Screen<W> {
    out: W,
    terminal: bool,
    figures: Option<String>,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, terminal: bool) -> Self {
        Self { out, terminal, figures: None }
    }

    /// A text that stays.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        if self.figures.is_some() {
            write!(self.out, "{EMPTY_LINE}")?;
        }
        writeln!(self.out, "{text}")?;
        self.draw()
    }

    /// A line that replaces the one before, on a terminal; elsewhere one more line.
    pub(super) fn figures(&mut self, line: &str) -> io::Result<()> {
        if !self.terminal {
            return self.say(line);
        }
        self.figures = Some(line.to_owned());
        self.draw()
    }

    /// The line that is redrawn stays as it is.
    pub(super) fn end_figures(&mut self) -> io::Result<()> {
        match self.figures.take() {
            Some(_) => writeln!(self.out),
            None => Ok(()),
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        if let Some(line) = &self.figures {
            write!(self.out, "{EMPTY_LINE}{CUT}{line}{WRAP}")?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(terminal: bool) -> String {
        let mut bytes = Vec::new();
        let mut screen = Screen::new(&mut bytes, terminal);
        let done = [screen.say("a"), screen.figures("1"), screen.figures("2"), screen.say("b"), screen.end_figures()];
        assert!(done.iter().all(Result::is_ok));
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn without_a_terminal_there_are_plain_lines() {
        assert_eq!(written(false), "a\n1\n2\nb\n");
    }

    #[test]
    fn on_a_terminal_the_figures_stay_below() {
        let line = |n: u8| format!("{EMPTY_LINE}{CUT}{n}{WRAP}");
        assert_eq!(written(true), format!("a\n{}{}{EMPTY_LINE}b\n{}\n", line(1), line(2), line(2)));
    }
}
