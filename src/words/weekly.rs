use jiff::{Timestamp, civil::Weekday, tz::TimeZone};

/// Times of the week, as people say them: in a time zone, by day and minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Weekly {
    /// Whose clocks count.
    pub zone: TimeZone,
    /// At least one.
    pub spans: Vec<WeeklySpan>,
}

/// The same stretch of time on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeeklySpan {
    /// The days on which it begins, Monday first.
    pub days: [bool; 7],
    /// Its first minute of the day, 0 to 1439.
    pub from: u16,
    /// The minute after its last, 1 to 1440. Not after `from`: it ends on the following day.
    pub to: u16,
}

impl Weekly {
    /// Whether `at` lies in one of the spans.
    pub fn covers(&self, at: Timestamp) -> bool {
        let local = at.to_zoned(self.zone.clone());
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        self.spans.iter().any(|span| span.covers(local.weekday(), minute))
    }
}

impl WeeklySpan {
    fn covers(&self, day: Weekday, minute: u16) -> bool {
        let begins_on = |day: Weekday| self.days[usize::from(day.to_monday_zero_offset().unsigned_abs())];
        if self.from < self.to {
            return begins_on(day) && (self.from..self.to).contains(&minute);
        }
        begins_on(day) && minute >= self.from || begins_on(day.previous()) && minute < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(span: WeeklySpan, zone: &str, at: &str) -> bool {
        let zone = TimeZone::get(zone).expect("a zone");
        Weekly { zone, spans: vec![span] }.covers(at.parse().expect("a time"))
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let mut days = [false; 7];
        days[4] = true; // Friday
        let night = WeeklySpan { days, from: 22 * 60, to: 6 * 60 };
        // 2026-11-20 is a Friday; Berlin is an hour ahead of UTC in winter.
        assert!(!covers(night, "Europe/Berlin", "2026-11-20T20:59:59Z"));
        assert!(covers(night, "Europe/Berlin", "2026-11-20T21:00:00Z"));
        assert!(covers(night, "Europe/Berlin", "2026-11-21T04:59:59Z"));
        assert!(!covers(night, "Europe/Berlin", "2026-11-21T05:00:00Z"), "the end is outside");
        assert!(!covers(night, "Europe/Berlin", "2026-11-21T22:00:00Z"), "Saturday night");
        assert!(!covers(night, "Europe/Berlin", "2026-11-20T04:00:00Z"), "Friday morning is Thursday's night");
    }

    #[test]
    fn a_whole_day_follows_the_clocks_of_its_zone() {
        let mut days = [false; 7];
        days[6] = true; // Sunday
        let day = WeeklySpan { days, from: 0, to: 24 * 60 };
        assert!(covers(day, "Asia/Tokyo", "2026-11-21T15:00:00Z"), "Sunday has begun in Tokyo");
        assert!(!covers(day, "UTC", "2026-11-21T15:00:00Z"));
        // The clocks in Berlin go from 2 to 3 on 2026-03-29.
        assert!(covers(day, "Europe/Berlin", "2026-03-29T21:59:59Z"));
        assert!(!covers(day, "Europe/Berlin", "2026-03-29T22:00:00Z"));
    }
}
