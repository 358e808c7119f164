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
                let why = "the last event that you had is not known here (any more); the stream goes on with the newest";
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
