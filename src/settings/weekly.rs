//! Times of the week as people write them: `Mon-Fri 18:00-07:00`, `Sat,Sun`, `22:00-06:00`.

use crate::words::WeeklySpan;

use super::quantity::quoted;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY: u16 = 24 * 60;
const FORM: &str = "write days, hours or both, such as \"Mon-Fri 18:00-07:00\", \"Sat,Sun\" or \"22:00-06:00\"";

/// Days (`Mon`, `Mon-Fri`, `Fri-Mon`, `Sat,Sun`), hours (`18:00-07:00`) or both. Without days: on all; without hours:
/// all day. Hours that end at or before their start end on the following day.
pub(super) fn parse_span(text: &str) -> Result<WeeklySpan, String> {
    let form = || format!("{} is no time of the week: {FORM}", quoted(text));
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().ok_or_else(form)?, words.next());
    if words.next().is_some() {
        return Err(form());
    }
    let starts_with_hours = first.starts_with(|c: char| c.is_ascii_digit());
    let (days, hours) = match second {
        Some(second) => (days(first).ok_or_else(form)?, hours(second).ok_or_else(form)?),
        None if starts_with_hours => ([true; 7], hours(first).ok_or_else(form)?),
        None => (days(first).ok_or_else(form)?, (0, DAY)),
    };
    Ok(WeeklySpan { days, from: hours.0, to: hours.1 })
}

/// The way back.
pub(super) fn show_span(span: &WeeklySpan) -> String {
    let WeeklySpan { days, from, to } = span;
    let mut parts = Vec::new();
    let mut day = 0;
    while day < 7 {
        let run = days[day..].iter().take_while(|on| **on).count();
        match run {
            0 => {}
            1 => parts.push(DAYS[day].to_owned()),
            _ => parts.push(format!("{}-{}", DAYS[day], DAYS[day + run - 1])),
        }
        day += run.max(1);
    }
    let days = parts.join(",");
    if (*from, *to) == (0, DAY) {
        return days;
    }
    let clock = |minute: &u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{days} {}-{}", clock(from), clock(to))
}

fn days(text: &str) -> Option<[bool; 7]> {
    let mut on = [false; 7];
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let (mut day, last) = (weekday(first)?, weekday(last)?);
        on[day] = true;
        while day != last {
            day = (day + 1) % 7;
            on[day] = true;
        }
    }
    Some(on)
}

fn weekday(text: &str) -> Option<usize> {
    DAYS.iter().position(|name| name.eq_ignore_ascii_case(text))
}

fn hours(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    // Midnight at the end is the end of the day; at the start it is its beginning.
    (from < DAY).then_some((from, if to == 0 { DAY } else { to }))
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| -> Option<u16> {
        let fits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse().ok()).flatten()
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= DAY).then_some(of_day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans() {
        let on = |names: &[usize]| {
            let mut days = [false; 7];
            names.iter().for_each(|day| days[*day] = true);
            days
        };
        for (text, days, from, to) in [
            ("Mon-Fri 18:00-07:00", on(&[0, 1, 2, 3, 4]), 1080, 420),
            ("sat,SUN", on(&[5, 6]), 0, 1440),
            ("22:00-06:00", [true; 7], 1320, 360),
            ("Fri-Mon 00:00-24:00", on(&[4, 5, 6, 0]), 0, 1440),
            ("  Wed   08:30-00:00 ", on(&[2]), 510, 1440),
            ("Mon,Wed-Thu 12:00-12:00", on(&[0, 2, 3]), 720, 720),
        ] {
            assert_eq!(parse_span(text), Ok(WeeklySpan { days, from, to }), "{text}");
        }
        for bad in [
            "",
            "Mo",
            "Monday",
            "Mon-",
            "Mon, Tue",
            "8:00-9:00",
            "08:00",
            "08:00-24:01",
            "24:00-25:00",
            "08:60-09:00",
            "Mon 08:00-09:00 x",
            "08:00-09:00 Mon",
            "+8:00-09:00",
        ] {
            let problem = parse_span(bad).expect_err(bad);
            assert!(problem.contains("Mon-Fri 18:00-07:00"), "{problem}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(days: [bool; 7], from in 0..DAY, to in 1..=DAY) {
            prop_assume!(days.contains(&true));
            let span = WeeklySpan { days, from, to };
            prop_assert_eq!(parse_span(&show_span(&span)), Ok(span));
        }

        #[test]
        fn any_text_is_answered(text in "[MonTueWd0-9:, -]{0,24}") {
            let _ = parse_span(&text);
        }
    }
}
