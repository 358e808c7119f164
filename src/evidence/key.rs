use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::EvidenceError;
use crate::words::{CameraId, EventId};

/// How pictures are named: text with `{camera}`, `{date}`, `{event}` and `{n}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Camera,
    /// The event's day in UTC: `2026-11-21`.
    Date,
    Event,
    N,
}

/// The names of one event's pictures: filled in, but for `{n}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct KeyPattern(String);

impl KeyPattern {
    /// The name of picture `n`.
    pub(super) fn key(&self, n: u32) -> String {
        self.0.replace("{n}", &n.to_string())
    }
}

impl Template {
    /// Beyond this no template makes sense, and some stores take no key of more than 1024 bytes.
    const LONGEST: usize = 512;

    /// Reads a template. It must name `{event}` and `{n}`, so that no picture overwrites another.
    pub(super) fn parse(text: &str) -> Result<Self, EvidenceError> {
        let refused = |why: &str| EvidenceError::Key { key: text.chars().take(80).collect(), why: why.to_owned() };
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            pieces.push(Piece::Text(before.to_owned()));
            let (name, behind) = after.split_once('}').ok_or_else(|| refused("a '{' is not closed"))?;
            pieces.push(match name {
                "camera" => Piece::Camera,
                "date" => Piece::Date,
                "event" => Piece::Event,
                "n" => Piece::N,
                _ => return Err(refused("only {camera}, {date}, {event} and {n} are filled in")),
            });
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        let is_plain = |c: char| c.is_alphanumeric() || "/-_.,=+@!~()'".contains(c);
        if text.len() > Self::LONGEST {
            Err(refused("it is too long"))
        } else if pieces.iter().any(|p| matches!(p, Piece::Text(t) if !t.chars().all(is_plain))) {
            Err(refused("use letters, digits and - _ . , = + @ ! ~ ( ) ' besides what is filled in"))
        } else if text.split('/').any(|part| ["", ".", ".."].contains(&part)) {
            Err(refused("no part of it may be empty, '.' or '..'"))
        } else if !pieces.contains(&Piece::Event) || !pieces.contains(&Piece::N) {
            Err(refused("{event} and {n} must stand in it, or pictures would overwrite one another"))
        } else {
            Ok(Self(pieces))
        }
    }

    /// Fills in all but `{n}`.
    pub(super) fn fill(&self, camera: &CameraId, time: Timestamp, event: EventId) -> KeyPattern {
        let text = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Camera => camera.to_string(),
            Piece::Date => time.to_zoned(TimeZone::UTC).date().to_string(),
            Piece::Event => event.to_string(),
            Piece::N => "{n}".to_owned(),
        });
        KeyPattern(text.collect())
    }

    /// How many folders every name that it gives stands in.
    pub(super) fn depth(&self) -> usize {
        let slashes = |piece: &Piece| if let Piece::Text(text) = piece { text.matches('/').count() } else { 0 };
        self.0.iter().map(slashes).sum()
    }

    /// Whether `key` is one that this template gives: whoever removes old pictures must not touch other files.
    pub(super) fn gives(&self, key: &str) -> bool {
        fits(&self.0, key)
    }
}

fn fits(pieces: &[Piece], text: &str) -> bool {
    let Some((piece, others)) = pieces.split_first() else { return text.is_empty() };
    let goes_on = |length: usize| text.is_char_boundary(length) && fits(others, &text[length..]);
    match piece {
        Piece::Text(start) => text.strip_prefix(start.as_str()).is_some_and(|rest| fits(others, rest)),
        Piece::Date => text.get(..10).is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok()) && goes_on(10),
        Piece::Event => text.get(..36).is_some_and(|id| id.parse::<EventId>().is_ok()) && goes_on(36),
        Piece::N => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            (1..=digits.min(10)).rev().any(goes_on)
        }
        Piece::Camera => {
            let length = text.bytes().take(64).take_while(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b)).count();
            (1..=length).rev().any(goes_on)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "01938c5e-0000-7000-8000-000000000001";

    fn template(text: &str) -> Template {
        Template::parse(text).expect("a sound template")
    }

    fn fill(text: &str) -> KeyPattern {
        let time: Timestamp = "2026-11-21T23:30:00-02:00".parse().expect("a time");
        template(text).fill(&"yard-2".parse().expect("an id"), time, EVENT.parse().expect("an id"))
    }

    #[test]
    fn everything_is_filled_in_and_the_day_is_utc() {
        let pattern = fill("{camera}/{date}/{event}/{n}.jpg");
        assert_eq!(pattern.key(0), format!("yard-2/2026-11-22/{EVENT}/0.jpg"));
        assert_eq!(pattern.key(12), format!("yard-2/2026-11-22/{EVENT}/12.jpg"));
        assert_eq!(fill("a={event}_{n}").key(3), format!("a={EVENT}_3"));
    }

    #[test]
    fn what_would_overwrite_or_escape_is_refused() {
        for (bad, why) in [
            ("{camera}/{n}.jpg", "{event}"),
            ("{event}.jpg", "{n}"),
            ("../{event}/{n}", "'..'"),
            ("/{event}/{n}", "empty"),
            ("{event}//{n}", "empty"),
            ("{event}/{n}/", "empty"),
            ("{event}/{n}/{password}", "filled in"),
            ("{event}/{n", "closed"),
            ("{event}/{n}?x", "letters"),
            ("{event}/{n}}", "letters"),
            ("{event} {n}", "letters"),
        ] {
            let error = Template::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
        assert!(Template::parse(&format!("{}/{{event}}/{{n}}", "x".repeat(600))).is_err());
    }

    #[test]
    fn a_template_knows_what_it_gave() {
        for text in [
            "{camera}/{date}/{event}/{n}.jpg",
            "{camera}{n}{event}",
            "Übersicht/{n}/{event}.jpg",
            "{camera}-{event}-{n}",
        ] {
            let (template, key) = (template(text), fill(text).key(10));
            assert!(template.gives(&key), "{text}: {key}");
            assert_eq!(template.depth(), key.matches('/').count(), "{text}: {key}");
            for other in [format!("{key}x"), format!("x/{key}"), key.replace(EVENT, "holiday"), String::new()] {
                assert!(!template.gives(&other), "{text}: {other}");
            }
        }
    }
}
