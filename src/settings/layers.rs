//! File and environment, laid over one another. The only file that knows the `config` crate.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use config::{Config, ConfigError, Environment, FileFormat, Format, Map, Source, ValueKind};

use super::{
    problems::{Problems, below},
    syntax::SyntaxError,
    tree::Value,
    variables::expand,
};

const PREFIX: &str = "LOOKOUT__";
/// What `config` calls the origin of a value from the environment.
const ENVIRONMENT: &str = "the environment";

/// File and environment in one.
pub(super) struct Layers {
    pub(super) tree: Value,
    /// The variables that texts of the file name: what they say may be secret.
    pub(super) named: BTreeSet<String>,
}

/// The file with the environment over it. Variables that a text names are put in; those that are missing are problems.
pub(super) fn lay(
    text: &str,
    variables: &HashMap<String, String>,
    problems: &mut Problems,
) -> Result<Layers, SyntaxError> {
    let mut file = Format::parse(&FileFormat::Toml, None, text).map_err(|error| syntax_error(text, error.as_ref()))?;
    let not_plain = take_out_not_plain(&mut file);
    let environment = Environment::with_prefix("LOOKOUT").separator("__").source(Some(accepted(variables, problems)));
    let merged = Config::builder()
        .add_source(FileTable(file))
        .add_source(environment)
        .build()
        .map_err(|_| SyntaxError::nowhere("file and environment cannot be laid over one another"))?;
    let named = RefCell::<BTreeSet<String>>::default();
    let lookup = |name: &str| {
        named.borrow_mut().insert(name.to_owned());
        variables.get(name).cloned()
    };
    let mut tree = convert(merged.cache, "", &lookup, problems);
    if let Value::Table(entries) = &mut tree {
        entries.extend(not_plain.into_iter().map(|key| (key, Value::Blank)));
    }
    Ok(Layers { tree, named: named.into_inner() })
}

/// `config` reads top-level keys as paths: `"cameras[9999999999]"` would become a list of that length. No such key is
/// known anyway, so they go past it.
fn take_out_not_plain(file: &mut Map<String, config::Value>) -> Vec<String> {
    let plain = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let found: Vec<String> = file.keys().filter(|key| !plain(key)).cloned().collect();
    file.retain(|key, _| plain(key));
    found
}

fn syntax_error(text: &str, error: &(dyn std::error::Error + Send + Sync + 'static)) -> SyntaxError {
    if let Some(error) = error.downcast_ref::<toml::de::Error>() {
        return SyntaxError::at(text, error.span(), error.message());
    }
    // A number that is too large: `config` notices, but only `toml` says where.
    match toml::from_str::<toml::Table>(text) {
        Err(error) => SyntaxError::at(text, error.span(), error.message()),
        Ok(_) => SyntaxError::nowhere("a number is too large"),
    }
}

/// A parsed file.
#[derive(Debug, Clone)]
struct FileTable(Map<String, config::Value>);

impl Source for FileTable {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, config::Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// The variables that set a key: `LOOKOUT__SECTION__KEY`. Those that look like it and cannot are problems.
fn accepted(variables: &HashMap<String, String>, problems: &mut Problems) -> Map<String, String> {
    let mut accepted = Map::new();
    let ours: BTreeMap<_, _> = variables.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    for (name, value) in ours {
        let keys: Vec<&str> = name[PREFIX.len()..].split("__").collect();
        let in_capitals = |key: &&str| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        if !keys.iter().all(in_capitals) {
            problems.add(
                &format!("environment.{}", below("", name)),
                "not the name of a key: write LOOKOUT__SECTION__KEY in capitals, such as LOOKOUT__SERVER__BIND",
            );
        } else if matches!(keys[..], ["CAMERAS" | "SINKS", ..] | ["SERVER", "USERS", ..] | ["SERVER", "TOKENS", _, ..])
        {
            problems.add(
                &format!("environment.{name}"),
                "lists of tables come from the file only: write ${NAME} in the file where a part of them comes from the environment",
            );
        } else {
            problems.came_from(keys.join(".").to_lowercase(), name.clone());
            accepted.insert(name.clone(), value.clone());
        }
    }
    accepted
}

fn convert(
    value: config::Value,
    path: &str,
    lookup: &impl Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Value {
    let from_environment = value.origin() == Some(ENVIRONMENT);
    match value.kind {
        ValueKind::Nil => Value::Blank,
        ValueKind::Boolean(value) => Value::Boolean(value),
        ValueKind::I64(value) => Value::Integer(value),
        ValueKind::I128(value) => i64::try_from(value).map_or(Value::Blank, Value::Integer),
        ValueKind::U64(value) => i64::try_from(value).map_or(Value::Blank, Value::Integer),
        ValueKind::U128(value) => i64::try_from(value).map_or(Value::Blank, Value::Integer),
        ValueKind::Float(value) => Value::Float(value),
        ValueKind::String(text) if from_environment => Value::Soft(text),
        ValueKind::String(text) => match expand(&text, lookup) {
            Ok(None) => Value::Text(text),
            Ok(Some(text)) => Value::Soft(text),
            Err(problem) => {
                problems.add(path, problem);
                Value::Blank
            }
        },
        ValueKind::Array(items) => {
            let item = |(n, item)| convert(item, &format!("{path}[{n}]"), lookup, problems);
            Value::List(items.into_iter().enumerate().map(item).collect())
        }
        ValueKind::Table(entries) => {
            // In the order of the keys, so that the problems come in the same order each time.
            let sorted: BTreeMap<_, _> = entries.into_iter().collect();
            let entry = |(key, value): (String, config::Value)| {
                let value = convert(value, &below(path, &key), lookup, problems);
                (key, value)
            };
            Value::Table(sorted.into_iter().map(entry).collect())
        }
    }
}
