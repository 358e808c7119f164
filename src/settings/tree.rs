use std::{collections::BTreeMap, fmt};

use serde::{
    Deserializer,
    de::{
        self, Expected, IntoDeserializer, Unexpected, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

/// All layers in one: what file and environment say, before anybody asks whether it makes sense.
///
/// It has a serde deserializer of its own for two reasons: a text from the environment takes the type that its key
/// wants, while a text in the file stays a text; and its errors ([`Fault`]) never carry a value, which might be a secret.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// A text from the environment.
    Soft(String),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
    /// Stands where a wrong value was reported; it is read as whatever is wanted, so that the search goes on.
    Blank,
}

/// Why a value does not fit its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    UnknownKey { key: String, known: &'static [&'static str] },
    WrongType { found: &'static str, expected: String },
    Other(String),
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) => "a text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}

/// serde names Rust's types; the user wrote TOML.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "a string" => "a text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0 on".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "an array of length 2" | "2 elements in sequence" => "a point [x, y]".to_owned(),
        "a map" => "a table".to_owned(),
        _ if text.starts_with("struct ") => "a table".to_owned(),
        _ => text,
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Other(text.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::WrongType { found: kind(&found), expected: wanted(expected) }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number out of range",
            other => kind(&other),
        };
        Self::WrongType { found, expected: wanted(expected) }
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::WrongType { found: "a list of another length", expected: wanted(expected) }
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownKey { key: key.to_owned(), known }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { key, known } => {
                write!(f, "unknown key")?;
                match closest(key, known.iter().copied()) {
                    Some(close) => write!(f, "; did you mean \"{close}\"?"),
                    None => write!(f, "; known here: {}", known.join(", ")),
                }
            }
            Self::WrongType { found, expected } => {
                write!(f, "expected {expected}, found {found}")?;
                if *found == "a table" && expected == "a list" {
                    write!(f, " (write the name in double brackets: [[...]])")?;
                }
                Ok(())
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

/// The one that is most like the text, if one is.
pub(super) fn closest<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let text: String = text.to_lowercase().chars().take(64).collect();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&text, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn soft<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, Fault> {
    text.trim().parse().map_err(|_| Fault::WrongType { found: "a text", expected: expected.to_owned() })
}

impl<'de> IntoDeserializer<'de, Fault> for &'de Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

static ZERO: Value = Value::Integer(0);

macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self {
                Value::Soft(text) => visitor.visit_i64(soft(text, "a whole number")?),
                Value::Blank => visitor.visit_i64(0),
                other => other.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) | Value::Soft(text) => visitor.visit_str(text),
            Value::List(items) => {
                let mut list = SeqDeserializer::new(items.iter());
                let value = visitor.visit_seq(&mut list)?;
                list.end()?;
                Ok(value)
            }
            Value::Table(entries) => {
                let mut table = MapDeserializer::new(entries.iter().map(|(k, v)| (k.as_str(), v)));
                let value = visitor.visit_map(&mut table)?;
                table.end()?;
                Ok(value)
            }
            Value::Blank => visitor.visit_unit(),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Soft(text) => visitor.visit_bool(soft(text, "true or false")?),
            Value::Blank => visitor.visit_bool(false),
            other => other.deserialize_any(visitor),
        }
    }

    whole_numbers! { deserialize_u32 deserialize_u64 deserialize_i64 }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Soft(text) => visitor.visit_f64(soft(text, "a number")?),
            Value::Blank => visitor.visit_f64(0.0),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Blank => visitor.visit_str(""),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Blank => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Soft(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            Value::Blank => visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<&Value>())),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Blank => visitor.visit_seq(SeqDeserializer::new(std::iter::repeat_n(&ZERO, length))),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        static NOTHING: Value = Value::Table(BTreeMap::new());
        match self {
            Value::Blank => NOTHING.deserialize_any(visitor),
            other => other.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 char bytes byte_buf unit unit_struct tuple_struct map enum identifier
        ignored_any
    }
}
