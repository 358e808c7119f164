use std::{collections::BTreeMap, fmt};

/// So many are kept; what comes after is only counted.
const KEPT: usize = 200;
/// So many are printed.
const SHOWN: usize = 50;

/// Everything that is wrong with the settings, each with the path of its key.
///
/// Displays as one problem a line. No text in here may carry a value that could be a secret.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Problems {
    list: Vec<Problem>,
    not_kept: usize,
    gave_up: bool,
    variables: BTreeMap<String, String>,
    cameras: BTreeMap<usize, String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which key: `cameras[3].url`.
    pub path: String,
    /// What is wrong with it and what to do.
    pub text: String,
}

impl Problems {
    /// Those that are kept, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many there are; with more than are kept, also those.
    pub fn len(&self) -> usize {
        self.list.len() + self.not_kept
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that are kept.
    pub fn into_list(self) -> Vec<Problem> {
        self.list
    }

    /// The same, told from within a table: paths begin there. `whole` is what the table itself is called.
    pub(super) fn within(self, table: &str, whole: &str) -> Self {
        let inner = |path: &str| match path.strip_prefix(table) {
            Some("") => whole.to_owned(),
            Some(rest) => rest.trim_start_matches('.').to_owned(),
            None => path.to_owned(),
        };
        let list = self.list.into_iter().map(|p| Problem { path: inner(&p.path), text: p.text }).collect();
        Self { list, cameras: BTreeMap::new(), ..self }
    }

    /// Notes a problem, unless its key (or the table around it) has one already: the second would only be its echo.
    pub(crate) fn add(&mut self, path: &str, text: impl Into<String>) {
        if self.covers(path) {
            return;
        }
        if self.list.len() >= KEPT {
            self.not_kept += 1;
            return;
        }
        self.list.push(Problem { path: path.to_owned(), text: text.into() });
    }

    /// Whether this key, or a table or list around it, has a problem already.
    pub(super) fn covers(&self, path: &str) -> bool {
        self.list.iter().any(|known| is_or_holds(&known.path, path))
    }

    /// Remembers that the value at `path` came from this environment variable.
    pub(super) fn came_from(&mut self, path: String, variable: String) {
        self.variables.insert(path, variable);
    }

    /// Remembers the id of a camera, because nobody counts to `cameras[217]`.
    pub(super) fn camera_is(&mut self, index: usize, id: &str) {
        self.cameras.insert(index, id.chars().take(64).collect());
    }

    /// Says that the search ended before everything was looked at.
    pub(super) fn give_up(&mut self) {
        self.gave_up = true;
    }

    fn variable(&self, path: &str) -> Option<&str> {
        let found = |(key, variable)| is_or_holds(path, key).then_some(variable);
        self.variables.iter().map(|(key, variable)| (key.as_str(), variable.as_str())).find_map(found)
    }

    fn camera(&self, path: &str) -> Option<&str> {
        let (index, key) = path.strip_prefix("cameras[")?.split_once(']')?;
        if key == ".id" {
            return None;
        }
        self.cameras.get(&index.parse().ok()?).map(String::as_str)
    }
}

fn is_or_holds(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Problem { path, text }) in self.list.iter().take(SHOWN).enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", printable(path))?;
            if let Some(variable) = self.variable(path) {
                write!(f, " (from {})", printable(variable))?;
            }
            write!(f, ": {}", printable(text))?;
            if let Some(id) = self.camera(path) {
                write!(f, " (camera \"{}\")", printable(id))?;
            }
        }
        let more = self.len().saturating_sub(SHOWN);
        match (more, self.gave_up) {
            (0, false) => Ok(()),
            (0, true) => write!(f, "\nand perhaps more"),
            (more, false) => write!(f, "\nand {more} more"),
            (more, true) => write!(f, "\nand at least {more} more"),
        }
    }
}

/// Without line breaks and terminal sequences that a value may have brought along.
pub(super) fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// The path of `key` within `table`.
pub(super) fn below(table: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let key = if bare { key.to_owned() } else { format!("{:?}", key.chars().take(64).collect::<String>()) };
    if table.is_empty() { key } else { format!("{table}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_each_and_no_echo() {
        let mut problems = Problems::default();
        problems.came_from("server.bind".into(), "LOOKOUT__SERVER__BIND".into());
        problems.camera_is(3, "door");
        problems.add("cameras[3].url", "missing");
        problems.add("cameras[3].url", "and again");
        problems.add("cameras[3].urls", "unknown\nkey");
        problems.add("server.bind", "bad");
        problems.add("detector", "expected a table");
        problems.add("detector.labels[0]", "an echo");
        assert_eq!(
            problems.to_string(),
            "cameras[3].url: missing (camera \"door\")\n\
             cameras[3].urls: unknown\\nkey (camera \"door\")\n\
             server.bind (from LOOKOUT__SERVER__BIND): bad\n\
             detector: expected a table"
        );
        assert_eq!(problems.len(), 4);
    }

    #[test]
    fn what_is_not_printed_is_counted() {
        let mut problems = Problems::default();
        for n in 0..300 {
            problems.add(&format!("cameras[{n}].url"), "missing");
        }
        let text = problems.to_string();
        assert_eq!(text.lines().count(), SHOWN + 1);
        assert!(text.ends_with("and 250 more"), "{text}");
        assert_eq!(problems.iter().count(), KEPT);
    }
}
