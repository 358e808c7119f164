use std::{
    collections::BTreeSet,
    fs,
    io::{Cursor, Read, Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{lines::Appended, rotation::numbered, *};
use crate::{
    events::sample,
    settings::Way,
    sinks::{Surroundings, open},
};

struct Log {
    folder: TempDir,
    sink: File,
}

impl Log {
    fn new(max_bytes: u64, keep: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/events.jsonl");
        let sink = File::new(&settings::File { path, max_bytes, keep }, "/lookout/test");
        Self { folder, sink }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a/b/events.jsonl")
    }

    fn old(&self, number: u32) -> PathBuf {
        numbered(&self.path(), number)
    }

    async fn tell(&self) -> String {
        let event = sample::started("door");
        assert_eq!(self.sink.deliver(&event).await, Outcome::Accepted);
        event.id.to_string()
    }

    /// What was there before.
    fn holds(&self, content: &[u8]) {
        fs::create_dir_all(self.path().parent().expect("a folder")).expect("made");
        fs::write(self.path(), content).expect("written");
    }
}

/// The ids of the events in a file of whole lines.
fn ids(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("readable");
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let id = |line: &str| serde_json::from_str::<Value>(line).expect(line)["id"].as_str().expect("an id").to_owned();
    text.lines().map(id).collect()
}

fn line() -> Vec<u8> {
    let mut line = payload::cloud_event(&sample::started("door"), "/lookout/test");
    line.push(b'\n');
    line
}

#[actix::test]
async fn each_event_is_a_line_that_only_the_owner_may_read() {
    let log = Log::new(1 << 20, 3);
    let told = [log.tell().await, log.tell().await, log.tell().await];
    assert_eq!(ids(&log.path()), told);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&log.path()), 0o600);
    assert_eq!(mode(log.path().parent().expect("a folder")), 0o700);
    assert!(!log.old(1).exists());
    assert!(line().starts_with(lines::BEGINNING), "a torn line is known by its beginning");
}

#[actix::test]
async fn it_is_rotated_by_size() {
    let size = line().len() as u64;
    let log = Log::new(2 * size + size / 2, 2);
    let mut told = Vec::new();
    for _ in 0..9 {
        told.push(log.tell().await);
    }
    assert_eq!(ids(&log.path()), told[8..]);
    assert_eq!(ids(&log.old(1)), told[6..8]);
    assert_eq!(ids(&log.old(2)), told[4..6]);
    assert!(!log.old(3).exists());
    assert_eq!(fs::metadata(log.path()).expect("there").permissions().mode() & 0o777, 0o600);
}

#[actix::test]
async fn with_none_to_keep_it_begins_afresh() {
    let log = Log::new(line().len() as u64, 0);
    log.tell().await;
    let last = log.tell().await;
    assert_eq!(ids(&log.path()), [last]);
    assert!(!log.old(1).exists());
}

#[actix::test]
async fn a_line_larger_than_the_file_may_be_is_told_all_the_same() {
    let log = Log::new(10, 1);
    let told = [log.tell().await, log.tell().await];
    assert_eq!((ids(&log.path()), ids(&log.old(1))), (vec![told[1].clone()], vec![told[0].clone()]));
}

#[actix::test]
async fn a_rotation_that_a_crash_cut_short_loses_nothing() {
    let log = Log::new(line().len() as u64, 3);
    for _ in 0..4 {
        log.tell().await;
    }
    // As if it had ended between two renames: the second is the third already.
    fs::rename(log.old(2), log.old(3)).expect("renamed");
    let before: BTreeSet<String> = [log.path(), log.old(1), log.old(3)].iter().flat_map(|path| ids(path)).collect();
    log.tell().await;
    let after: BTreeSet<String> = (1..=3).flat_map(|number| ids(&log.old(number))).collect();
    assert_eq!(after, before);
}

#[actix::test]
async fn invariant_10_wherever_a_crash_tore_the_last_line_every_line_is_whole() {
    let (first, torn) = (line(), line());
    for at in 1..torn.len() {
        let log = Log::new(1 << 20, 1);
        log.holds(&[&first[..], &torn[..at]].concat());
        let told = log.tell().await;
        let ids = ids(&log.path());
        let whole = at == torn.len() - 1;
        assert_eq!(ids.len(), if whole { 3 } else { 2 }, "torn at {at}");
        assert_eq!(ids.last(), Some(&told));
    }
    let log = Log::new(1 << 20, 1);
    log.holds(&torn[..torn.len() / 2]);
    let told = log.tell().await;
    assert_eq!(ids(&log.path()), [told], "the first line can be torn too");
}

#[actix::test]
async fn what_is_not_ours_is_kept_and_ended() {
    for foreign in [
        b"a note".to_vec(),
        b"x".repeat(3 << 20),
        [b"\n{\"specversion\":\"1.0\", ".to_vec(), b"x".repeat(2 << 20)].concat(),
    ] {
        let log = Log::new(1 << 30, 1);
        log.holds(&foreign);
        log.tell().await;
        let content = fs::read(log.path()).expect("readable");
        assert!(content.starts_with(&[&foreign[..], b"\n{"].concat()), "{} bytes", foreign.len());
    }
}

#[actix::test]
async fn many_at_once_do_not_mix() {
    let log = Log::new(5 * line().len() as u64, 20);
    let told: BTreeSet<String> = futures::future::join_all((0..40).map(|_| log.tell())).await.into_iter().collect();
    let mut written = ids(&log.path());
    for number in (1..).take_while(|&number| log.old(number).exists()) {
        written.extend(ids(&log.old(number)));
    }
    assert_eq!(written.len(), 40);
    assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), told);
}

#[actix::test]
async fn once_it_is_closed_nothing_is_written_any_more() {
    let log = Log::new(1 << 20, 1);
    log.tell().await;
    for _ in 0..20 {
        // Begun, and given up while it waits for its turn.
        let _ = log.sink.deliver(&sample::started("door")).now_or_never();
    }
    log.sink.close().await;
    let written = ids(&log.path());
    let outcome = log.sink.deliver(&sample::started("door")).await;
    assert!(matches!(outcome, Outcome::Refused { blames_event: false, .. }), "{outcome:?}");
    assert_eq!(ids(&log.path()), written);
}

#[actix::test]
async fn what_is_no_file_is_refused() {
    for (path, expected) in
        [("/dev/null", "no regular file"), ("/", "directory"), ("/dev/null/x", "its folder is a file")]
    {
        let file = settings::File { path: path.into(), max_bytes: 1000, keep: 1 };
        let filter = settings::Filter::default();
        let settings = settings::Sink { name: "log".into(), filter, budget: None, way: Way::File(file) };
        let (sink, cell) = open(&settings, &Surroundings::of_no_cameras()).expect("found out when it is written");
        assert_eq!(cell.target, format!("file {path}"));
        let Outcome::Refused { error, blames_event: false, .. } = sink.deliver(&sample::started("door")).await else {
            panic!("not refused: {path}");
        };
        assert!(error.starts_with(&format!("cannot write to {path}: ")) && error.contains(expected), "{error}");
    }
}

/// A disk with so much room. What does not fit is written as far as it does.
struct Disk {
    content: Cursor<Vec<u8>>,
    room: usize,
    syncs: bool,
    cuts: bool,
}

impl Disk {
    fn with(content: &[u8], room: usize) -> Self {
        Self { content: Cursor::new(content.to_vec()), room, syncs: true, cuts: true }
    }
}

impl Read for Disk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.content.seek(to)
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.room - self.content.get_ref().len();
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.content.seek(SeekFrom::End(0))?;
        self.content.write(&bytes[..bytes.len().min(room)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Appended for Disk {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        if !self.cuts {
            return Err(io::Error::other("no"));
        }
        self.content.get_mut().truncate(usize::try_from(length).expect("small"));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.syncs { Ok(()) } else { Err(io::Error::other("no")) }
    }
}

#[test]
fn a_full_disk_keeps_no_half_line() {
    let (first, second) = (line(), line());
    for room in first.len()..first.len() + second.len() {
        let mut disk = Disk::with(&first, room);
        let error = lines::write(&mut disk, &second).expect_err("full");
        assert_eq!(plain(&error), "the disk is full");
        assert_eq!(*disk.content.get_ref(), first);
        disk.room = usize::MAX;
        lines::write(&mut disk, &second).expect("there is room again");
        assert_eq!(*disk.content.get_ref(), [&first[..], &second[..]].concat());
    }
}

#[test]
fn what_could_not_be_synced_is_not_told_and_not_left() {
    let (first, second) = (line(), line());
    let mut disk = Disk { syncs: false, ..Disk::with(&first, usize::MAX) };
    lines::write(&mut disk, &second).expect_err("not on disk");
    assert_eq!(*disk.content.get_ref(), first);
}

#[test]
fn what_could_not_be_cut_off_is_mended_by_the_next() {
    let (first, second) = (line(), line());
    let mut disk = Disk { cuts: false, ..Disk::with(&first, first.len() + 40) };
    lines::write(&mut disk, &second).expect_err("full");
    assert_eq!(disk.content.get_ref().len(), first.len() + 40);
    (disk.cuts, disk.room) = (true, usize::MAX);
    lines::mend(&mut disk).expect("mended");
    assert_eq!(*disk.content.get_ref(), first);
}
