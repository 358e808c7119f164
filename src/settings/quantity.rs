//! Durations and sizes as people write them.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// What a duration looks like, for problem texts.
pub(super) const DURATION_FORM: &str =
    "a duration in quotes with its unit, such as \"500ms\", \"4s\", \"2m\" or \"1h30m\"";
/// What a size looks like, for problem texts.
pub(super) const SIZE_FORM: &str = "a size in quotes with its unit, such as \"512MiB\" or \"2GiB\"";

/// `500ms`, `4s`, `1h30m`, `30d` (a day has 24 hours): whole numbers, each with a unit, the larger units first.
///
/// # Errors
/// What a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let form = || format!("{} is no duration: write {DURATION_FORM}", quoted(text));
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "{} has no unit: write \"{}s\" for seconds",
            quoted(text),
            text.chars().take(12).collect::<String>()
        ));
    }
    let (mut rest, mut millis, mut units) = (text, 0_u64, DURATION_UNITS.as_slice());
    if rest.is_empty() {
        return Err(form());
    }
    while !rest.is_empty() {
        let (number, unit, behind) = number_and_unit(rest).ok_or_else(form)?;
        let at = units.iter().position(|(name, _)| *name == unit).ok_or_else(form)?;
        millis = number
            .checked_mul(units[at].1)
            .and_then(|part| millis.checked_add(part))
            .ok_or_else(|| format!("{} is too long", quoted(text)))?;
        units = &units[at + 1..];
        rest = behind;
    }
    Ok(Duration::from_millis(millis))
}

/// The way back: the shortest text that [`parse_duration`] reads as this (to the millisecond).
pub(super) fn show_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, millis) in DURATION_UNITS {
        let count = rest / millis;
        rest %= millis;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

/// `512MiB`, `2GiB`, `500MB`: a whole number and a unit, in bytes.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let form = || format!("{} is no size: write {SIZE_FORM}", quoted(text));
    let (number, unit, behind) = number_and_unit(text).ok_or_else(form)?;
    let (_, bytes) = SIZE_UNITS.iter().find(|(name, _)| *name == unit && behind.is_empty()).ok_or_else(form)?;
    number.checked_mul(*bytes).ok_or_else(|| format!("{} is too much", quoted(text)))
}

/// The way back: in the largest unit that divides it.
pub(super) fn show_size(bytes: u64) -> String {
    SIZE_UNITS
        .iter()
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(|| format!("{bytes}B"), |(name, unit)| format!("{}{name}", bytes / unit))
}

/// A value in a problem's text, cut where it is long. Never for values that could be secret.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("\"{short}\"")
}

fn number_and_unit(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at(digits);
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, behind) = rest.split_at(letters);
    Some((number.parse().ok()?, unit, behind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("500ms", 500),
            ("4s", 4_000),
            ("2m", 120_000),
            ("1h30m", 5_400_000),
            ("30d", 2_592_000_000),
            ("1s500ms", 1_500),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in [
            "",
            "s",
            "4",
            "4 s",
            "-4s",
            "1.5s",
            "4S",
            "4s4s",
            "1s1h",
            "4sec",
            "ms5",
            "4s1",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            let problem = parse_duration(bad).expect_err(bad);
            assert!(problem.contains(bad), "{problem}");
        }
        let hint = parse_duration("4").expect_err("no unit");
        assert!(hint.contains("\"4s\""), "{hint}");
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("512MiB", 512 << 20), ("2GiB", 2 << 30), ("500MB", 500_000_000), ("100B", 100)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
            assert_eq!(show_size(bytes), text);
        }
        for bad in ["", "512", "MiB", "1.5GiB", "-1B", "1gib", "9999999999TiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in 0..u64::MAX / 2, bytes: u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
            prop_assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = parse_duration(&text);
            let _ = parse_size(&text);
        }
    }
}
