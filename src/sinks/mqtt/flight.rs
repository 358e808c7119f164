use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

/// Messages of one connection that the broker has not acknowledged, bounded.
///
/// The client gives a message its packet id only when it sends it, in the order in which they were handed over; so they
/// are matched up here: handed over, sent as packet 7, packet 7 acknowledged.
#[derive(Debug)]
pub(super) struct Flight<T> {
    handed: VecDeque<Aloft<T>>,
    sent: BTreeMap<u16, Aloft<T>>,
    next: u64,
}

#[derive(Debug)]
struct Aloft<T> {
    number: u64,
    since: Instant,
    message: T,
}

impl<T> Flight<T> {
    /// At most so many.
    pub(super) const WINDOW: usize = 32;

    pub(super) fn new() -> Self {
        Self { handed: VecDeque::new(), sent: BTreeMap::new(), next: 0 }
    }

    /// Whether there is room for one more, and for `spare` others after it.
    pub(super) fn has_room(&self, spare: usize) -> bool {
        self.handed.len() + self.sent.len() + spare < Self::WINDOW
    }

    /// A message was handed to the client.
    pub(super) fn hand_over(&mut self, message: T, now: Instant) {
        self.handed.push_back(Aloft { number: self.next, since: now, message });
        self.next += 1;
    }

    /// The client sent the oldest message that it was handed, as packet `id`.
    pub(super) fn sent(&mut self, id: u16) {
        if let Some(message) = self.handed.pop_front() {
            self.sent.insert(id, message);
        }
    }

    /// The broker acknowledged packet `id`.
    pub(super) fn acknowledged(&mut self, id: u16) -> Option<T> {
        self.sent.remove(&id).map(|aloft| aloft.message)
    }

    /// Whether one like this is among them.
    pub(super) fn any(&self, like: impl Fn(&T) -> bool) -> bool {
        self.all().any(|aloft| like(&aloft.message))
    }

    /// The oldest of those that were sent and are like this.
    pub(super) fn oldest_sent<'a, Like>(&'a self, like: impl Fn(&'a T) -> Option<Like>) -> Option<Like> {
        let sent = self.sent.values().filter_map(|aloft| Some((aloft.number, like(&aloft.message)?)));
        sent.min_by_key(|(number, _)| *number).map(|(_, like)| like)
    }

    /// When the acknowledgement that is waited for longest is overdue.
    pub(super) fn overdue_at(&self, patience: Duration) -> Option<Instant> {
        self.all().map(|aloft| aloft.since + patience).min()
    }

    /// Everything that is not acknowledged, in the order in which it was handed over, each with whether its
    /// acknowledgement is overdue.
    pub(super) fn land(self, now: Instant, patience: Duration) -> impl Iterator<Item = (T, bool)> {
        let mut all: Vec<_> = self.handed.into_iter().chain(self.sent.into_values()).collect();
        all.sort_by_key(|aloft| aloft.number);
        all.into_iter().map(move |aloft| (aloft.message, aloft.since + patience <= now))
    }

    fn all(&self) -> impl Iterator<Item = &Aloft<T>> {
        self.handed.iter().chain(self.sent.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(messages: impl IntoIterator<Item = &'static str>, now: Instant) -> Flight<&'static str> {
        let mut flight = Flight::new();
        for (later, message) in (0..).zip(messages) {
            flight.hand_over(message, now + Duration::from_secs(later));
        }
        flight
    }

    #[test]
    fn an_acknowledgement_finds_its_message_in_whatever_order_it_comes() {
        let mut flight = flight(["a", "b", "c"], Instant::now());
        (4..=6).for_each(|id| flight.sent(id));
        assert_eq!([6, 4, 5].map(|id| flight.acknowledged(id)), [Some("c"), Some("a"), Some("b")]);
        assert_eq!(flight.acknowledged(5), None, "only once");
    }

    #[test]
    fn what_was_not_sent_cannot_be_acknowledged() {
        let mut flight = flight(["a", "b"], Instant::now());
        flight.sent(1);
        assert_eq!(flight.acknowledged(2), None);
        assert_eq!(flight.acknowledged(1), Some("a"));
    }

    #[test]
    fn it_is_bounded_and_an_acknowledgement_makes_room() {
        let now = Instant::now();
        let mut flight = Flight::new();
        while flight.has_room(0) {
            flight.hand_over((), now);
        }
        assert_eq!(flight.all().count(), Flight::<()>::WINDOW);
        flight.sent(1);
        assert!(!flight.has_room(0), "sent is not acknowledged");
        flight.acknowledged(1).expect("sent");
        assert!(flight.has_room(0) && !flight.has_room(1));
    }

    #[test]
    fn the_oldest_is_overdue_first_and_all_land_in_their_order() {
        let (now, patience) = (Instant::now(), Duration::from_secs(10));
        let mut flight = flight(["a", "b", "c", "d"], now);
        // The ids wrap around, so that they say nothing about the order.
        (9..=10).for_each(|id| flight.sent(id));
        flight.sent(1);
        flight.acknowledged(9).expect("sent");
        assert_eq!(flight.overdue_at(patience), Some(now + Duration::from_secs(11)));
        assert_eq!(flight.oldest_sent(|message| Some(*message)), Some("b"));
        assert_eq!(flight.oldest_sent(|message| (*message == "d").then_some(())), None, "not sent yet");
        let landed: Vec<_> = flight.land(now + Duration::from_secs(12), patience).collect();
        assert_eq!(landed, [("b", true), ("c", true), ("d", false)]);
        assert_eq!(Flight::<()>::new().overdue_at(patience), None);
    }
}
