//! Failures to say who one is, counted for each network: there are not many guesses in a minute.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::network::Network;
use crate::words::Moment;

/// Failures that are counted, bounded in number of networks, of each, and of lines in the log.
#[derive(Default)]
pub(super) struct Attempts {
    networks: HashMap<Network, Record>,
    /// When the log was told something, within the last minute.
    lines: VecDeque<Instant>,
    /// Failures that the log never heard of.
    unheard: u64,
}

/// What was guessed. Each has a count of its own: a machine with an old token does not keep people behind the same
/// address from logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    Token,
    Password,
}

/// What the log is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// Failures of this network since it was told of it last.
    pub(super) failures: u64,
    /// Failures of others that it was not told of, to keep it short.
    pub(super) unheard: u64,
}

#[derive(Default)]
struct Record {
    tokens: VecDeque<Instant>,
    passwords: VecDeque<Instant>,
    told_at: Option<Instant>,
    untold: u64,
}

impl Attempts {
    /// So many failures in ...
    pub(super) const MOST: usize = 10;
    /// ... this long.
    pub(super) const WINDOW: Duration = Duration::from_secs(60);
    const NETWORKS: usize = 4096;
    /// In the log, in a window.
    const LINES: usize = 30;

    /// A guess begins, and counts as a failure until it is forgiven: many that come at once cannot all pass before the
    /// first has failed. Or for how long this network may not guess; that itself counts as nothing.
    pub(super) fn begin(&mut self, network: Network, guess: Guess, now: Moment) -> Result<(), Duration> {
        let now = now.steady;
        self.make_room(network, now);
        let failures = self.networks.entry(network).or_default().of(guess);
        failures.retain(|at| is_recent(*at, now));
        match failures.front() {
            Some(oldest) if failures.len() >= Self::MOST => {
                Err(Self::WINDOW.saturating_sub(now.saturating_duration_since(*oldest)))
            }
            _ => {
                failures.push_back(now);
                Ok(())
            }
        }
    }

    /// The guess that began then was right. It alone is forgiven: who knows one password must not have others guessed
    /// for nothing.
    pub(super) fn forgive(&mut self, network: Network, guess: Guess, began: Moment) {
        let Some(record) = self.networks.get_mut(&network) else { return };
        let failures = record.of(guess);
        if let Some(n) = failures.iter().position(|at| *at == began.steady) {
            failures.remove(n);
        }
    }

    /// Somebody has failed, or was not let try: what the log is told of that, at most once a minute of each network.
    pub(super) fn report(&mut self, network: Network, now: Moment) -> Option<Report> {
        let now = now.steady;
        self.make_room(network, now);
        self.lines.retain(|at| is_recent(*at, now));
        let record = self.networks.entry(network).or_default();
        record.untold += 1;
        if record.told_at.is_some_and(|at| is_recent(at, now)) || self.lines.len() >= Self::LINES {
            return None;
        }
        record.told_at = Some(now);
        self.lines.push_back(now);
        Some(Report { failures: std::mem::take(&mut record.untold), unheard: std::mem::take(&mut self.unheard) })
    }

    fn make_room(&mut self, network: Network, now: Instant) {
        if self.networks.len() < Self::NETWORKS || self.networks.contains_key(&network) {
            return;
        }
        let unheard = &mut self.unheard;
        self.networks.retain(|_, record| {
            let stays = record.latest().is_some_and(|at| is_recent(at, now));
            *unheard += if stays { 0 } else { record.untold };
            stays
        });
        if self.networks.len() < Self::NETWORKS {
            return;
        }
        let oldest = self.networks.iter().min_by_key(|(_, record)| record.latest()).map(|(network, _)| *network);
        let record = oldest.and_then(|network| self.networks.remove(&network));
        self.unheard += record.map_or(0, |record| record.untold);
    }
}

impl Record {
    fn of(&mut self, guess: Guess) -> &mut VecDeque<Instant> {
        match guess {
            Guess::Token => &mut self.tokens,
            Guess::Password => &mut self.passwords,
        }
    }

    fn latest(&self) -> Option<Instant> {
        [self.tokens.back().copied(), self.passwords.back().copied(), self.told_at].into_iter().max().flatten()
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < Attempts::WINDOW
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn network(n: u32) -> Network {
        Network::of(Ipv4Addr::from_bits(0xc633_0000 + n).into())
    }

    #[test]
    fn after_ten_failures_in_a_minute_there_is_a_pause() {
        let (mut attempts, begin) = (Attempts::default(), Moment::now());
        for n in 0..10 {
            assert_eq!(attempts.begin(network(1), Guess::Password, begin.after(n * SECOND)), Ok(()), "{n}");
        }
        let at = |seconds: u32| begin.after(seconds * SECOND);
        assert_eq!(attempts.begin(network(1), Guess::Password, at(20)), Err(40 * SECOND));
        assert_eq!(attempts.begin(network(1), Guess::Token, at(20)), Ok(()), "counted by itself");
        assert_eq!(attempts.begin(network(2), Guess::Password, at(20)), Ok(()), "somebody else");
        // What was not let try does not make the pause longer; after it there is one more try for each that is
        // forgotten.
        assert_eq!(attempts.begin(network(1), Guess::Password, at(60)), Ok(()));
        assert_eq!(attempts.begin(network(1), Guess::Password, at(60)), Err(SECOND));
    }

    #[test]
    fn a_right_guess_is_forgiven_and_no_other_with_it() {
        let (mut attempts, begin) = (Attempts::default(), Moment::now());
        for n in 0..9 {
            attempts.begin(network(1), Guess::Password, begin.after(n * SECOND)).expect("few");
        }
        for n in 9..20 {
            let now = begin.after(n * SECOND);
            attempts.begin(network(1), Guess::Password, now).expect("one more");
            attempts.forgive(network(1), Guess::Password, now);
        }
        let now = begin.after(21 * SECOND);
        attempts.begin(network(1), Guess::Password, now).expect("one more");
        assert!(attempts.begin(network(1), Guess::Password, now).is_err(), "the nine others still count");
    }

    #[test]
    fn the_log_hears_of_each_network_once_a_minute_and_not_of_too_many() {
        let (mut attempts, begin) = (Attempts::default(), Moment::now());
        let report = |failures, unheard| Some(Report { failures, unheard });
        assert_eq!(attempts.report(network(1), begin), report(1, 0));
        for n in 1..60 {
            assert_eq!(attempts.report(network(1), begin.after(n * SECOND)), None);
        }
        assert_eq!(attempts.report(network(1), begin.after(60 * SECOND)), report(60, 0));
        let told = (2..1000).filter(|n| attempts.report(network(*n), begin.after(60 * SECOND)).is_some()).count();
        assert_eq!(told, Attempts::LINES - 1);
    }

    #[test]
    fn however_many_networks_there_are_memory_is_bounded_and_what_is_forgotten_is_counted() {
        let (mut attempts, begin) = (Attempts::default(), Moment::now());
        for n in 0..10_000 {
            attempts.begin(network(n), Guess::Token, begin.after(n * Duration::from_micros(1))).expect("its first");
            attempts.report(network(n), begin.after(n * Duration::from_micros(1)));
            assert!(attempts.networks.len() <= Attempts::NETWORKS);
        }
        // The latest are remembered.
        let later = begin.after(SECOND);
        for _ in 0..9 {
            attempts.begin(network(9_999), Guess::Token, later).expect("few");
        }
        assert!(attempts.begin(network(9_999), Guess::Token, later).is_err());
        let report = attempts.report(network(20_000), begin.after(120 * SECOND)).expect("the log has room again");
        assert_eq!((report.failures, report.unheard), (1, 10_000 - Attempts::LINES as u64));
    }
}
