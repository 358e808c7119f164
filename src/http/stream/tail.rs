//! Where a stream is and what it tells next. It knows neither clock nor connection.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use uuid::Uuid;

use super::format;
use crate::{
    events::{Event, EventKind, OutboxError, Reader},
    sinks::cloud_event,
    words::{CameraId, EventId},
};

/// The events in the order of recording.
pub(in crate::http) trait Journal {
    /// The number of the newest event; 0 if there is none.
    fn newest_seq(&self) -> Result<i64, OutboxError>;
    /// The number of an event.
    fn seq_of(&self, id: EventId) -> Result<Option<i64>, OutboxError>;
    /// The events after a number, the oldest first.
    fn after(&self, seq: i64, limit: usize) -> Result<Vec<(i64, Event)>, OutboxError>;
}

impl Journal for Reader {
    fn newest_seq(&self) -> Result<i64, OutboxError> {
        self.newest_seq()
    }

    fn seq_of(&self, id: EventId) -> Result<Option<i64>, OutboxError> {
        self.seq_of(id)
    }

    fn after(&self, seq: i64, limit: usize) -> Result<Vec<(i64, Event)>, OutboxError> {
        self.after(seq, limit)
    }
}

/// Which events a stream tells.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Filter {
    /// Of this camera.
    pub(in crate::http) camera: Option<CameraId>,
    /// Of this kind.
    pub(in crate::http) kind: Option<EventKind>,
}

impl Filter {
    fn passes(&self, event: &Event) -> bool {
        self.camera.as_ref().is_none_or(|camera| event.camera() == Some(camera))
            && self.kind.is_none_or(|kind| event.kind == kind)
    }
}

/// Where a listener was when its last stream ended.
#[derive(Debug, Clone)]
pub(in crate::http) enum Resume {
    /// It had this event. The nil UUID stands before all events.
    After(EventId),
    /// It says something else.
    Unreadable(String),
}

/// A place in the order of recording, and what is told from there on.
#[derive(Debug, Clone)]
pub(in crate::http) struct Tail {
    filter: Filter,
    source: Arc<str>,
    /// Everything up to here was looked at.
    seq: i64,
    /// Which event that is.
    last: Option<EventId>,
    /// Which one the listener knows of.
    shown: Option<EventId>,
}

/// What was read and not yet told.
#[derive(Debug)]
pub(in crate::http) struct Read {
    events: Vec<(i64, Event)>,
    /// Events before these were removed unread.
    lost: bool,
}

impl Read {
    /// Whether there may be more.
    pub(in crate::http) fn is_full(&self) -> bool {
        self.events.len() == Tail::STEP
    }
}

impl Tail {
    /// Events read at once: the most of them that a stream has in memory.
    pub(in crate::http) const STEP: usize = 100;
    const RETRY: Duration = Duration::from_secs(2);

    /// Right after the event that the listener had last; otherwise after the newest. With the words that open the
    /// stream.
    pub(in crate::http) fn open(
        journal: &impl Journal,
        resume: Option<Resume>,
        filter: Filter,
        source: Arc<str>,
    ) -> Result<(Self, Vec<u8>), OutboxError> {
        let mut opening = Vec::new();
        format::retry(&mut opening, Self::RETRY);
        let at = |seq, last, opening| Ok((Self { filter, source, seq, last, shown: last }, opening));
        let unknown = match resume {
            Some(Resume::After(EventId(id))) if id.is_nil() => return at(0, None, opening),
            Some(Resume::After(id)) => match journal.seq_of(id)? {
                Some(seq) => return at(seq, Some(id), opening),
                None => Some(id.to_string()),
            },
            Some(Resume::Unreadable(text)) => Some(text),
            None => None,
        };
        let seq = journal.newest_seq()?;
        let newest = journal.after(seq - 1, 1)?.first().map_or(EventId(Uuid::nil()), |(_, event)| event.id);
        match unknown {
            Some(unknown) => {
                let why =
                    "the last event that you had is not known here (any more); the stream goes on with the newest";
                gap(&mut opening, Some(newest), &json!({ "last_event_id": unknown, "message": why }));
            }
            // Whoever is cut off before the first event comes back to this place.
            None => format::place(&mut opening, newest),
        }
        at(seq, Some(newest), opening)
    }

    /// The next events, whether they pass the filter or not.
    pub(in crate::http) fn read(&self, journal: &impl Journal) -> Result<Read, OutboxError> {
        let events = journal.after(self.seq, Self::STEP)?;
        // Numbers may be left out; they were removed only where the event before them is not there any more either.
        let jumps = events.first().is_some_and(|(seq, _)| *seq > self.seq + 1);
        let is_gone = |id: EventId| Ok::<_, OutboxError>(!id.0.is_nil() && journal.seq_of(id)?.is_none());
        let lost = jumps && self.last.map_or(Ok(false), is_gone)?;
        Ok(Read { events, lost })
    }

    /// What is said about them: nothing if none of them passes.
    pub(in crate::http) fn tell(&mut self, read: Read) -> Vec<u8> {
        let mut text = Vec::new();
        if read.lost {
            let why = "events were removed by age or size before this stream came to them";
            gap(&mut text, None, &json!({ "last_event_id": self.last, "message": why }));
        }
        for (seq, event) in read.events {
            (self.seq, self.last) = (seq, Some(event.id));
            if self.filter.passes(&event) {
                self.shown = self.last;
                format::event(&mut text, event.kind.as_str(), self.last, &cloud_event(&event, &self.source));
            }
        }
        text
    }

    /// That the stream lives; and where it is, if it passed over events that its listener did not want.
    pub(in crate::http) fn heartbeat(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        match self.last {
            Some(last) if self.shown != Some(last) => {
                format::place(&mut text, last);
                self.shown = Some(last);
            }
            _ => format::comment(&mut text),
        }
        text
    }
}

fn gap(text: &mut Vec<u8>, id: Option<EventId>, data: &serde_json::Value) {
    format::event(text, "lookout.gap", id, data.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::events::sample;

    #[derive(Default)]
    struct Book {
        events: BTreeMap<i64, Event>,
        newest: i64,
    }

    impl Book {
        fn of(cameras: &[&str]) -> Self {
            let mut book = Self::default();
            for camera in cameras {
                book.write(camera);
            }
            book
        }

        fn write(&mut self, camera: &str) -> EventId {
            self.newest += 1;
            let event = sample::started(camera);
            let id = event.id;
            self.events.insert(self.newest, event);
            id
        }
    }

    impl Journal for Book {
        fn newest_seq(&self) -> Result<i64, OutboxError> {
            Ok(self.newest)
        }

        fn seq_of(&self, id: EventId) -> Result<Option<i64>, OutboxError> {
            Ok(self.events.iter().find(|(_, event)| event.id == id).map(|(seq, _)| *seq))
        }

        fn after(&self, seq: i64, limit: usize) -> Result<Vec<(i64, Event)>, OutboxError> {
            Ok(self.events.range(seq + 1..).take(limit).map(|(seq, event)| (*seq, event.clone())).collect())
        }
    }

    fn open(book: &Book, resume: Option<Resume>, filter: Filter) -> (Tail, String) {
        let (tail, opening) = Tail::open(book, resume, filter, "/lookout/test".into()).expect("readable");
        (tail, String::from_utf8(opening).expect("text"))
    }

    fn tell(tail: &mut Tail, book: &Book) -> String {
        let read = tail.read(book).expect("readable");
        String::from_utf8(tail.tell(read)).expect("text")
    }

    fn beat(tail: &mut Tail) -> String {
        String::from_utf8(tail.heartbeat()).expect("text")
    }

    #[test]
    fn a_stream_opens_with_its_place() {
        let mut book = Book::of(&["door"]);
        let newest = book.events[&1].id;
        assert_eq!(open(&book, None, Filter::default()).1, format!("retry: 2000\n\nid: {newest}\n\n"));
        let (mut tail, opening) = open(&book, Some(Resume::After(newest)), Filter::default());
        assert_eq!((&*opening, &*tell(&mut tail, &book)), ("retry: 2000\n\n", ""));
        let next = book.write("yard");
        let told = tell(&mut tail, &book);
        assert!(
            told.starts_with(&format!("id: {next}\nevent: lookout.visit.started\ndata: {{\"specversion")),
            "{told}"
        );
        assert!(told.ends_with("}\n\n") && told.lines().count() == 4, "{told}");
    }

    #[test]
    fn what_does_not_pass_the_filter_moves_the_place_at_the_next_heartbeat() {
        let mut book = Book::default();
        let filter = Filter { camera: Some("door".parse().expect("an id")), kind: None };
        let (mut tail, _) = open(&book, None, filter);
        assert_eq!(beat(&mut tail), ":\n\n");
        let yard = book.write("yard");
        assert_eq!(tell(&mut tail, &book), "");
        assert_eq!(beat(&mut tail), format!("id: {yard}\n\n"));
        assert_eq!(beat(&mut tail), ":\n\n");
        book.write("door");
        assert!(tell(&mut tail, &book).contains("\"subject\":\"door\""));
        assert_eq!(beat(&mut tail), ":\n\n");
    }

    #[test]
    fn at_most_a_step_is_read_at_once() {
        let book = Book::of(&["door"; 250]);
        let (mut tail, _) = open(&book, Some(Resume::After(EventId(Uuid::nil()))), Filter::default());
        let sizes: Vec<(usize, bool)> = std::iter::from_fn(|| {
            let read = tail.read(&book).expect("readable");
            let size = (read.events.len(), read.is_full());
            tail.tell(read);
            (size.0 > 0).then_some(size)
        })
        .collect();
        assert_eq!(sizes, [(100, true), (100, true), (50, false)]);
    }

    #[test]
    fn events_that_were_removed_unread_are_a_gap_and_numbers_left_out_are_none() {
        let mut book = Book::of(&["door"]);
        let (mut tail, _) = open(&book, None, Filter::default());
        book.newest += 5;
        book.write("door");
        assert!(!tell(&mut tail, &book).contains("lookout.gap"));
        for _ in 0..3 {
            book.write("door");
        }
        let last = tail.last.expect("it was told one");
        book.events.retain(|seq, _| *seq == book.newest);
        let told = tell(&mut tail, &book);
        assert!(told.starts_with("event: lookout.gap\ndata: "), "{told}");
        assert!(told.contains("were removed") && told.contains(&last.to_string()), "{told}");
        assert!(told.contains("lookout.visit.started"), "and it goes on: {told}");
    }
}
