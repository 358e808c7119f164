//! The format of server-sent events: WHATWG HTML, section 9.2.5. A line is a field; an empty line ends an event.

use std::time::Duration;

use crate::words::EventId;

/// An event. Its `data` is one line. Without an `id`, the listener goes on with the last one it was given.
pub(super) fn event(text: &mut Vec<u8>, name: &str, id: Option<EventId>, data: &[u8]) {
    if let Some(id) = id {
        field(text, "id", id.to_string().as_bytes());
    }
    field(text, "event", name.as_bytes());
    field(text, "data", data);
    text.push(b'\n');
}

/// How long a listener waits before it connects again.
pub(super) fn retry(text: &mut Vec<u8>, pause: Duration) {
    field(text, "retry", pause.as_millis().to_string().as_bytes());
    text.push(b'\n');
}

/// Where the stream is, without an event: what has an id and no data moves the listener's last event id and is told to
/// nobody (section 9.2.6).
pub(super) fn place(text: &mut Vec<u8>, id: EventId) {
    field(text, "id", id.to_string().as_bytes());
    text.push(b'\n');
}

/// Nothing, so that both sides know of each other.
pub(super) fn comment(text: &mut Vec<u8>) {
    text.extend(b":\n\n");
}

fn field(text: &mut Vec<u8>, name: &str, value: &[u8]) {
    text.extend(name.as_bytes());
    text.extend(b": ");
    text.extend(value);
    text.push(b'\n');
}
