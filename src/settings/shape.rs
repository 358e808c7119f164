use serde_path_to_error::{Path, Segment};

use super::{
    problems::{Problems, below},
    raw,
    tree::{Fault, Value},
};

/// Each round finds one unknown key or value of the wrong type.
const ROUNDS: usize = 200;

/// Reads the tree into the structs of `raw`. serde stops at the first fault, so the fault is noted, taken out of the
/// tree, and the reading starts again.
pub(super) fn read(tree: &mut Value, problems: &mut Problems) -> Option<raw::File> {
    for _ in 0..ROUNDS {
        let error = match serde_path_to_error::deserialize(&*tree) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let path = error.path().clone();
        let fault = error.into_inner();
        let text = fault.to_string();
        let unknown = match fault {
            Fault::UnknownKey { key, .. } => Some(key),
            _ => None,
        };
        let place = Place::new(&path, unknown.as_deref());
        problems.add(&place.shown(), text);
        if !place.take_out(tree, unknown.as_deref()) {
            break;
        }
    }
    problems.give_up();
    None
}

/// Where the fault lies; for an unknown key the table it stands in.
struct Place(Vec<Step>, Option<String>);

enum Step {
    Key(String),
    Index(usize),
}

impl Place {
    fn new(path: &Path, unknown: Option<&str>) -> Self {
        let mut steps: Vec<Step> = path
            .iter()
            .filter_map(|segment| match segment {
                Segment::Seq { index } => Some(Step::Index(*index)),
                Segment::Map { key } => Some(Step::Key(key.clone())),
                _ => None,
            })
            .collect();
        if let (Some(key), Some(Step::Key(last))) = (unknown, steps.last())
            && key == last
        {
            steps.pop();
        }
        Self(steps, unknown.map(str::to_owned))
    }

    fn shown(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            text = match step {
                Step::Key(key) => below(&text, key),
                Step::Index(index) => format!("{text}[{index}]"),
            };
        }
        if let Some(key) = &self.1 {
            text = below(&text, key);
        }
        if text.is_empty() {
            text.push_str("(the whole file)");
        }
        text
    }

    /// Whether there was something to take out.
    fn take_out(&self, tree: &mut Value, unknown: Option<&str>) -> bool {
        let mut at = tree;
        for step in &self.0 {
            let next = match (at, step) {
                (Value::Table(entries), Step::Key(key)) => entries.get_mut(key),
                (Value::List(items), Step::Index(index)) => items.get_mut(*index),
                // A list from one text of the environment has no parts of its own to take out.
                (whole @ Value::Soft(_), Step::Index(_)) => {
                    *whole = Value::Blank;
                    return true;
                }
                _ => None,
            };
            let Some(next) = next else { return false };
            at = next;
        }
        match (at, unknown) {
            (Value::Table(entries), Some(key)) => entries.remove(key).is_some(),
            (Value::Blank, _) | (_, Some(_)) => false,
            (wrong, None) => {
                *wrong = Value::Blank;
                true
            }
        }
    }
}
