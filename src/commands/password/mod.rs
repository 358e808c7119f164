//! `lookout password`: what the settings keep in the place of a password.

mod terminal;

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

use super::{Failure, not_written};
use crate::{
    access::{PasswordError, Passwords, hash_of},
    settings::Secret,
};

/// Make the line of `[[server.users]]` that stands for a password.
///
/// Asks for the password twice on a terminal, without showing it; otherwise takes the first line of the standard input.
/// Prints its Argon2id hash, which tells nobody the password.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lookout password                              asks, and prints: password_hash = \"$argon2id$...\"
  lookout password < secret >> line.toml        takes the first line of a file

Exit codes: 0 done, 1 it cannot be asked for or hashed, 2 it can be guessed.")]
pub(super) struct PasswordArgs {}

/// Asks and prints.
///
/// # Errors
/// What is wrong with the password, or with asking.
pub(super) fn execute(_: &PasswordArgs) -> Result<(), Failure> {
    let password = match io::stdin().is_terminal() {
        true => on_terminal(terminal::ask)?,
        false => first_line(io::stdin().lock()).map_err(not_read)?,
    };
    write!(io::stdout(), "{}", line(&password)?).map_err(not_written)
}

fn on_terminal(mut ask: impl FnMut(&str) -> io::Result<Secret>) -> Result<Secret, Failure> {
    let password = ask("Password").map_err(not_read)?;
    let again = ask("Once more").map_err(not_read)?;
    if password != again {
        return Err(Failure::Usage("these are two different passwords".to_owned()));
    }
    Ok(password)
}

/// As it stands in the settings.
fn line(password: &Secret) -> Result<String, Failure> {
    match hash_of(password) {
        Ok(hash) => Ok(format!("password_hash = \"{hash}\"\n")),
        Err(error @ PasswordError::System(_)) => Err(Failure::Failed(error.to_string())),
        Err(error) => Err(Failure::Usage(error.to_string())),
    }
}

/// A line without its end.
fn first_line(from: impl BufRead) -> io::Result<Secret> {
    let mut line = String::new();
    // One byte more than a password may have, and the end of the line: then it is too long.
    from.take(Passwords::LONGEST as u64 + 3).read_line(&mut line)?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}

#[allow(clippy::needless_pass_by_value)]
fn not_read(error: io::Error) -> Failure {
    Failure::Failed(format!("cannot read the password: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: Result<impl Sized, Failure>) -> String {
        match result {
            Ok(_) => String::new(),
            Err(Failure::Usage(text)) => format!("2: {text}"),
            Err(Failure::Failed(text)) => format!("1: {text}"),
        }
    }

    #[test]
    fn the_first_line_is_the_password() {
        let first = |text: &str| first_line(text.as_bytes()).expect("readable").expose().to_owned();
        for text in ["correct horse", "correct horse\n", "correct horse\r\n", "correct horse\nand more\n"] {
            assert_eq!(first(text), "correct horse");
        }
        assert_eq!(first(" spaces belong to it \n"), " spaces belong to it ");
        assert_eq!(first(""), "");
        assert_eq!(first_line(&b"\xff\n"[..]).map(|_| ()).map_err(|e| e.kind()), Err(io::ErrorKind::InvalidData));
    }

    #[test]
    fn what_is_printed_is_a_line_of_the_settings() {
        let line = line(&Secret::new("correct horse")).map_err(|_| ()).expect("a good one");
        let text = format!("[[server.users]]\nname = \"ann\"\nrole = \"viewer\"\n{line}");
        crate::settings::load_from(&text, [], std::path::Path::new(".")).expect("in order");
    }

    #[test]
    fn what_is_no_password_is_told() {
        let line = |text: &str| told(line(&Secret::new(text)));
        assert_eq!(line(""), "2: a password has at least 8 characters");
        let long = first_line("x".repeat(5000).as_bytes()).expect("readable");
        assert_eq!(line(long.expose()), "2: a password has at most 1024 bytes");
    }

    #[test]
    fn a_terminal_is_asked_twice() {
        let ask = |answers: [&'static str; 2]| {
            let mut answers = answers.into_iter();
            told(on_terminal(|_| Ok(Secret::new(answers.next().expect("no more than twice")))))
        };
        assert_eq!(ask(["correct horse", "correct horse"]), "");
        assert_eq!(ask(["correct horse", "correct hrose"]), "2: these are two different passwords");
    }
}
