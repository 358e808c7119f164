mod crashes;
mod deliveries;
mod digests;
mod holds;
mod listing;
mod opening;
mod readers;
mod recording;
mod retention;

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use jiff::{Timestamp, ToSpan};

use super::{faults::Fault, *};
use crate::{
    events::{Addressee, Event, EventKind, addressees::Addressees, sample},
    settings::{Budget, Filter},
    words::{EventId, Moment},
};

const SINK: &str = "office";

fn storage(folder: &Path) -> Storage {
    Storage { path: folder.to_owned(), keep: Duration::from_secs(30 * 24 * 3600), max_bytes: 1 << 30 }
}

fn open(folder: &Path) -> Store {
    Store::open(&storage(folder)).expect("a sound folder")
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn names(names: &[&str]) -> Vec<std::sync::Arc<str>> {
    names.iter().map(|&name| name.into()).collect()
}

fn to(sinks: Vec<Addressee>) -> Addressees {
    let mut addressees = Addressees::default();
    addressees.replace(sinks, |_| Vec::new());
    addressees
}

/// Sinks that want everything.
fn to_all(names: &[&str]) -> Addressees {
    to(names.iter().map(|name| Addressee::of_everything(name)).collect())
}

fn at_once(events: &[Event]) -> Vec<Unwritten> {
    events.iter().map(|event| Unwritten { event: event.clone(), held_until: None }).collect()
}

fn record_to(store: &mut Store, to: &mut Addressees, events: &[Event]) -> Recorded {
    store.record(&at_once(events), to, Moment::now()).expect("recorded")
}

fn record(store: &mut Store, events: &[Event]) -> u64 {
    record_to(store, &mut to_all(&[SINK]), events).new
}

fn due_to(store: &mut Store, sink: &str, now: Timestamp) -> Vec<Delivery> {
    let wanted = Wanted { sink, now, limit: 1000, busy: &[], untried_only: false };
    store.due(wanted).expect("readable")
}

fn due(store: &mut Store) -> Vec<Delivery> {
    due_to(store, SINK, Timestamp::now())
}

fn ids(deliveries: &[Delivery]) -> Vec<EventId> {
    deliveries.iter().map(|d| d.event.id).collect()
}

fn due_ids(store: &mut Store) -> Vec<EventId> {
    ids(&due(store))
}

fn tally(store: &Store) -> (u64, u64) {
    let tally = store.tally(SINK).expect("readable");
    (tally.pending, tally.dead)
}

fn acknowledge(store: &mut Store, seq: i64) {
    let now = Timestamp::now();
    store.acknowledge(SINK, seq, now, false).expect("written");
}

fn reader(store: &Store) -> Reader {
    Reader::open(store.file()).expect("readable")
}

/// What a killed process leaves: the files as they are, in the middle of everything.
fn crash(store: &Store, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for suffix in ["", "-wal"] {
        let name = format!("{}{suffix}", Store::FILE);
        let from = store.file().with_file_name(&name);
        fs::copy(from, to.join(name)).expect("copied");
    }
}
