//! A receiver's own format: how a body is rendered from an event, and how the answer to it is judged. The only file that
//! knows minijinja.

use std::{
    fmt,
    io::{self, Write},
};

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
    value::{Kwargs, ValueKind},
};

use super::{
    escaping::{Escaping, entities},
    headline, payload,
};
use crate::{
    events::{Event, Subject},
    settings,
    words::{EventId, EventKind},
};

/// A template, compiled. What it prints is escaped as its content type needs it, so that in a JSON body
/// `"{{ data.camera.name }}"` is right whatever the name; `{{ data.count|tojson }}` prints a whole JSON value.
///
/// It sees the fields of the CloudEvent (`id`, `source`, `type`, `subject`, `time`, `data`) and `headline`, the event in
/// plain words. What an event does not have is empty: an alert with a gap beats none. Besides minijinja's own filters
/// there are `local` (`{{ time|local("Europe/Berlin") }}`, with strftime's `format=` if wanted) and `entities`.
pub(super) struct Format {
    environment: Environment<'static>,
    content_type: String,
    is_json: bool,
    accepted_if: Option<String>,
}

impl Format {
    /// A body may not be larger.
    pub(super) const BODY_AT_MOST: usize = 256 << 10;
    /// Steps of minijinja's engine for one body: a digest of a hundred groups takes a few thousand.
    const STEPS: u64 = 100_000;
    const RECURSION: usize = 64;
    const BODY: &str = "body";

    /// Compiles it and tries it on an event of each kind. The error names the line and the problem.
    pub(super) fn new(template: &settings::Template) -> Result<Self, String> {
        let escaping = Escaping::of(&template.content_type);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(Self::STEPS));
        environment.set_recursion_limit(Self::RECURSION);
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("by content type"));
        environment.set_formatter(move |out, state, value| print(out, state, value, escaping));
        environment.add_filter("local", local);
        environment.add_filter("entities", |text: &Value| entities(&shown(text)));
        environment
            .add_template_owned(Self::BODY, template.body.to_string())
            .map_err(|error| explain(&error, "template"))?;
        let accepted_if = template.accepted_if.as_deref().map(str::to_owned);
        let content_type = template.content_type.to_string();
        let format = Self { environment, content_type, is_json: escaping == Escaping::Json, accepted_if };
        format.try_out()?;
        Ok(format)
    }

    /// The content type of its bodies.
    pub(super) fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The body for `event`. The error names the line and the problem.
    pub(super) fn body(&self, event: &Event, source: &str) -> Result<Vec<u8>, String> {
        let mut body = Bounded { written: Vec::new(), overflowed: false };
        match self.render(event, source, &mut body) {
            Err(_) if body.overflowed => {
                return Err(format!("the body is larger than {} KiB", Self::BODY_AT_MOST >> 10));
            }
            Err(error) => return Err(explain(&error, "template")),
            Ok(()) => {}
        }
        if self.is_json {
            serde_json::from_slice::<serde::de::IgnoredAny>(&body.written)
                .map_err(|error| format!("what the template gives is not JSON: {error}"))?;
        }
        Ok(body.written)
    }

    /// Whether an answer has to be read.
    pub(super) fn has_condition(&self) -> bool {
        self.accepted_if.is_some()
    }

    /// Whether the answer says that the event was accepted. What is not JSON is `null` to the condition.
    pub(super) fn accepts(&self, answer: &[u8]) -> Result<bool, String> {
        let Some(condition) = &self.accepted_if else {
            return Ok(true);
        };
        let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
        let context = minijinja::context! { answer => Value::from_serialize(&answer) };
        let expression = self.environment.compile_expression(condition);
        let value = expression.and_then(|expression| expression.eval(context));
        value.map(|value| value.is_true()).map_err(|error| explain(&error, "condition accepted_if"))
    }

    fn render(&self, event: &Event, source: &str, to: &mut Bounded) -> Result<(), Error> {
        let document = payload::cloud_event(event, source);
        let mut document: serde_json::Value =
            serde_json::from_slice(&document).expect("a CloudEvent's structured form is JSON");
        document["headline"] = headline(event).into();
        let template = self.environment.get_template(Self::BODY)?;
        template.render_captured_to(Value::from_serialize(&document), to).map(|_| ())
    }

    /// What does not exist shows only when it is asked for. Other errors may be the trial events' own.
    fn try_out(&self) -> Result<(), String> {
        let unknown = |error: &Error| {
            let kinds = [ErrorKind::UnknownFilter, ErrorKind::UnknownTest, ErrorKind::UnknownFunction];
            kinds.contains(&error.kind()) || error.detail().is_some_and(|detail| detail.starts_with(NO_ZONE))
        };
        for kind in EventKind::ALL {
            let event =
                Event { id: EventId::fresh(), kind, time: Timestamp::UNIX_EPOCH, data: Subject::of_no_camera() };
            let mut body = Bounded { written: Vec::new(), overflowed: false };
            match self.render(&event, "", &mut body) {
                Err(error) if unknown(&error) => return Err(explain(&error, "template")),
                _ => {}
            }
        }
        let Some(condition) = &self.accepted_if else {
            return Ok(());
        };
        let explained = |error: Error| explain(&error, "condition accepted_if");
        let expression = self.environment.compile_expression(condition).map_err(explained)?;
        match expression.eval(minijinja::context! { answer => () }) {
            Err(error) if unknown(&error) => Err(explained(error)),
            _ => Ok(()),
        }
    }
}

/// Prints a value: what a filter has marked as safe, and what stands in `{% autoescape false %}`, as it is.
fn print(out: &mut Output, state: &State, value: &Value, escaping: Escaping) -> Result<(), Error> {
    let text = shown(value);
    let as_it_is = value.is_safe() || state.auto_escape() == AutoEscape::None;
    let text = if as_it_is { text } else { escaping.escape(&text) };
    out.write_str(&text).map_err(Error::from)
}

/// A value as text: nothing for what is not there, JSON for what is neither text nor number.
fn shown(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::String => value.to_string(),
        _ => serde_json::to_string(value).unwrap_or_else(|_| value.to_string()),
    }
}

const NO_ZONE: &str = "there is no time zone";

/// The filter `local`: a time (RFC 3339) as the clocks of a zone show it.
#[expect(clippy::needless_pass_by_value, reason = "minijinja hands a filter its arguments by value")]
fn local(time: &Value, zone: &str, options: Kwargs) -> Result<String, Error> {
    let format: Option<&str> = options.get("format")?;
    options.assert_all_used()?;
    let wrong = |problem: String| Error::new(ErrorKind::InvalidOperation, problem);
    let zone = TimeZone::get(zone).map_err(|_| wrong(format!("{NO_ZONE} \"{zone}\"")))?;
    let text = shown(time);
    if text.is_empty() {
        return Ok(text);
    }
    let time: Timestamp = text.parse().map_err(|_| wrong("what is given to local is no time".to_owned()))?;
    let format = format.unwrap_or("%Y-%m-%d %H:%M:%S");
    let shown = jiff::fmt::strtime::format(format, &time.to_zoned(zone));
    shown.map_err(|error| wrong(format!("the format \"{format}\" is wrong: {error}")))
}

/// One line: where, and what.
fn explain(error: &Error, what: &str) -> String {
    let problem = match error.kind() {
        ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
        kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    };
    let problem: String = problem.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    match error.line() {
        Some(line) => format!("{what}, line {line}: {problem}"),
        None => format!("{what}: {problem}"),
    }
}

/// A body that may grow so far and no further.
struct Bounded {
    written: Vec<u8>,
    overflowed: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written.len() + bytes.len() > Format::BODY_AT_MOST {
            self.overflowed = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Format").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
