//! What is asked for in an address, in its path and after its `?`: read in one place, so that every mistake is told in
//! the same words: which parameter, what was written, and what is known.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use bytes::Bytes;
use futures::{FutureExt, future::LocalBoxFuture};
use jiff::Timestamp;
use tokio::time::timeout;
use url::form_urlencoded;

use super::Problem;
use crate::words::{CameraId, EventId, EventKind};

/// What can be asked for after the `?` of an address.
pub(in crate::http) trait Question: Sized {
    /// The names of all parameters.
    const KNOWN: &'static [&'static str];

    /// The question that these parameters ask.
    fn read(asked: &Parameters) -> Result<Self, Problem>;
}

/// Something that can be written in an address.
pub(in crate::http) trait Written: Sized {
    /// What `text` says.
    ///
    /// # Errors
    /// The rest of the sentence that begins with what was written: `is no ...`.
    fn read(text: &str) -> Result<Self, String>;
}

/// Extracts the question after the `?`.
pub(in crate::http) struct Asked<Q>(pub(in crate::http) Q);

/// The question of an address that knows no parameter: what somebody writes there was meant for something.
pub(in crate::http) struct Nothing;

impl Question for Nothing {
    const KNOWN: &'static [&'static str] = &[];

    fn read(_: &Parameters) -> Result<Self, Problem> {
        Ok(Self)
    }
}

/// Extracts the `{id}` of the path.
pub(in crate::http) struct Id<W>(pub(in crate::http) W);

/// Extracts the body: as much as a camera with all its zones takes, within the time that it takes to send that.
pub(in crate::http) struct Body(pub(in crate::http) Bytes);

impl Body {
    const MOST_BYTES: usize = 1 << 20;
    const PATIENCE: Duration = Duration::from_secs(10);
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = web::Payload::from_request(request, payload).into_inner();
        async move {
            let payload = payload.map_err(|_| Problem::bad_request("the body cannot be read"))?;
            match timeout(Self::PATIENCE, payload.to_bytes_limited(Self::MOST_BYTES)).await {
                Ok(Ok(Ok(body))) => Ok(Self(body)),
                Ok(Ok(Err(_))) => Err(Problem::bad_request("the body cannot be read")),
                Ok(Err(_)) => Err(Problem::bad_request(format!("the body is larger than {} bytes", Self::MOST_BYTES))),
                Err(_) => Err(Problem::bad_request("the body did not come in time")),
            }
        }
        .boxed_local()
    }
}

/// The parameters of a question; each is known, and there once.
pub(in crate::http) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// What a parameter says, if it is there.
    pub(in crate::http) fn value<W: Written>(&self, name: &str) -> Result<Option<W>, Problem> {
        let Some((_, text)) = self.0.iter().find(|(known, _)| *known == name) else { return Ok(None) };
        let read = W::read(text).map_err(|why| format!("query parameter \"{name}\": \"{}\" {why}", shown(text)));
        read.map(Some).map_err(Problem::bad_request)
    }

    fn read(query: &str, known: &'static [&'static str]) -> Result<Self, Problem> {
        let mut read: Vec<(&'static str, String)> = Vec::new();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let name = *known.iter().find(|known| **known == name).ok_or_else(|| unknown(&name, known))?;
            if read.iter().any(|(before, _)| *before == name) {
                return Err(Problem::bad_request(format!("query parameter \"{name}\" is there twice")));
            }
            if text.is_empty() {
                // Not taken for "any": an empty variable in a script would ask for everything.
                let way_out = "leave it out where it does not matter";
                return Err(Problem::bad_request(format!("query parameter \"{name}\" says nothing; {way_out}")));
            }
            read.push((name, text.into_owned()));
        }
        Ok(Self(read))
    }
}

impl<Q: Question> FromRequest for Asked<Q> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Parameters::read(request.query_string(), Q::KNOWN).and_then(|asked| Q::read(&asked)).map(Self))
    }
}

impl<W: Written> FromRequest for Id<W> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let part = web::Path::<String>::extract(request).into_inner();
        let part = part.map_err(|_| Problem::bad_request("the path has percent signs that do not stand for text"));
        ready(part.and_then(|text| {
            let read = W::read(&text).map_err(|why| format!("in the path: \"{}\" {why}", shown(&text)));
            read.map(Self).map_err(Problem::bad_request)
        }))
    }
}

fn unknown(name: &str, known: &[&'static str]) -> Problem {
    let meant =
        closest(name, known.iter().copied()).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default();
    // The value is not repeated: it may be a token that was put into the wrong place.
    let known = match known {
        [] => "no query parameter is known here".to_owned(),
        known => format!("known here: {}", known.join(", ")),
    };
    Problem::bad_request(format!("there is no query parameter \"{}\"{meant} ({known})", shown(name)))
}

/// Which of `known` was probably meant.
pub(in crate::http) fn closest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written: String = written.to_lowercase().chars().take(64).collect();
    known
        .map(|name| (strsim::jaro_winkler(&written, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// As much of what was written as an answer repeats.
pub(in crate::http) fn shown(written: &str) -> String {
    let mut shown: String = written.chars().take(80).collect();
    if shown.len() < written.len() {
        shown.push('…');
    }
    shown
}

/// The rest of a sentence about a name that is none of `known`.
pub(in crate::http) fn is_none_of<'a>(
    what: &str,
    written: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let meant = closest(written, known.clone()).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default();
    format!("is no {what}{meant} (known: {})", known.collect::<Vec<_>>().join(", "))
}

impl Written for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Written for CameraId {
    fn read(text: &str) -> Result<Self, String> {
        let allowed = "is no camera id: it has 1 to 64 letters, digits, '_', '-' or '.', and does not start with '.'";
        text.parse().map_err(|_| allowed.into())
    }
}

impl Written for EventId {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "is no event id: it is a UUID, as in the \"id\" of GET /api/v1/events".into())
    }
}

impl Written for EventKind {
    fn read(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().map(|kind| kind.as_str());
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| is_none_of("type of event", text, known))
    }
}

impl Written for Timestamp {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            let plus = if text.contains(' ') { "; in an address, \"+\" is written %2B" } else { "" };
            format!("is no time as in 2026-01-31T08:00:00Z or 2026-01-31T09:00:00%2B01:00{plus}")
        })
    }
}

impl Written for bool {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "is neither true nor false".into())
    }
}

impl Written for usize {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "is no whole number, 0 or more".into())
    }
}

impl Written for i64 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "is no whole number".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["camera", "type", "since", "limit"];

    fn problem<W: Written>(query: &str, name: &str) -> String {
        let said = Parameters::read(query, KNOWN).and_then(|asked| asked.value::<W>(name));
        said.err().expect("a problem").to_string()
    }

    #[test]
    fn a_mistake_is_named_with_what_was_written_and_what_is_known() {
        let title = "The request is not understood: ";
        for (said, expected) in [
            (
                problem::<String>("camra=door", "camera"),
                "there is no query parameter \"camra\"; did you mean \"camera\"? (known here: camera, type, since, limit)",
            ),
            (
                problem::<String>("token=tops3cret", "camera"),
                "there is no query parameter \"token\" (known here: camera, type, since, limit)",
            ),
            (
                problem::<usize>("limit=ten", "limit"),
                "query parameter \"limit\": \"ten\" is no whole number, 0 or more",
            ),
            (problem::<usize>("limit=-1", "limit"), "query parameter \"limit\": \"-1\" is no whole number, 0 or more"),
            (
                problem::<usize>("limit=", "limit"),
                "query parameter \"limit\" says nothing; leave it out where it does not matter",
            ),
            (problem::<usize>("limit=1&limit=2", "limit"), "query parameter \"limit\" is there twice"),
            (
                problem::<EventKind>("type=lookout.visit.start", "type"),
                "query parameter \"type\": \"lookout.visit.start\" is no type of event; did you mean \
                 \"lookout.visit.started\"? (known: lookout.visit.started, lookout.visit.ended, lookout.camera.down, \
                 lookout.camera.up, lookout.snapshot.stored, lookout.digest)",
            ),
            (
                problem::<CameraId>("camera=a/b", "camera"),
                "query parameter \"camera\": \"a/b\" is no camera id: it has 1 to 64 letters, digits, '_', '-' or '.', \
                 and does not start with '.'",
            ),
            (
                problem::<Timestamp>("since=2026-01-31T09:00:00+01:00", "since"),
                "query parameter \"since\": \"2026-01-31T09:00:00 01:00\" is no time as in 2026-01-31T08:00:00Z or \
                 2026-01-31T09:00:00%2B01:00; in an address, \"+\" is written %2B",
            ),
            (problem::<bool>("limit=yes", "limit"), "query parameter \"limit\": \"yes\" is neither true nor false"),
        ] {
            assert_eq!(said.strip_prefix(title), Some(expected));
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let asked = Parameters::read("limit=7&since=2026-01-31T09:00:00%2B01:00", KNOWN).expect("no problem");
        assert_eq!(asked.value("limit").expect("no problem"), Some(7_usize));
        let since: Timestamp = "2026-01-31T08:00:00Z".parse().expect("a time");
        assert_eq!(asked.value("since").expect("no problem"), Some(since));
        assert_eq!(asked.value::<CameraId>("camera").expect("no problem"), None);
    }

    #[test]
    fn a_long_mistake_is_cut() {
        let said = problem::<usize>(&format!("limit={}", "9".repeat(500)), "limit");
        assert!(said.len() < 200 && said.contains("999…"), "{said}");
    }
}
