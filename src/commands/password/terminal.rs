use std::io::{self, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::first_line;
use crate::settings::Secret;

/// Asks for a line that the terminal does not show.
pub(super) fn ask(what: &str) -> io::Result<Secret> {
    let unseen = Unseen::begin()?;
    let mut terminal = io::stderr().lock();
    write!(terminal, "{what}: ")?;
    terminal.flush()?;
    let answer = first_line(io::stdin().lock());
    drop(unseen);
    // The end of the line was not shown either.
    writeln!(terminal)?;
    answer
}

/// Nothing that is typed is shown until it is dropped.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // There is nobody to tell, and the shell sets its own.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
