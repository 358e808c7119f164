use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::evidence::key::Template;

const ROOMY: u64 = 1 << 20;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn notes() -> Notes {
    let (event, camera, time) = (EventId::fresh(), "door".parse().expect("an id"), at(1_700_000_000));
    let key = Template::parse("{camera}/{event}/{n}.jpg").expect("a template").fill(&camera, time, event);
    Notes { event, camera, time, key }
}

fn open(folder: &Path) -> (Spool, Leftovers) {
    Spool::open(folder, ROOMY).expect("a sound folder")
}

#[test]
fn what_is_kept_is_found_again_in_order_and_for_nobody_else_to_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spool");
    let (notes, (spool, _)) = (notes(), open(&path));
    for n in [2, 0, 10, 1] {
        spool.keep(&notes, n, at(i64::from(n)), &[n as u8]).expect("room");
    }
    assert_eq!(spool.bytes(), 5 * 4096);
    let group = path.join(notes.event.to_string());
    // What a crash leaves.
    fs::write(group.join("0003-0.jpg.part"), "half").expect("a file");
    for (path, mode) in [(&path, 0o700), (&group, 0o700), (&group.join(Spool::NOTES), 0o600)] {
        assert_eq!(fs::metadata(path).expect("it is there").permissions().mode() & 0o777, mode, "{}", path.display());
    }
    let (spool, leftovers) = open(&path);
    assert_eq!(leftovers.groups, [(notes.clone(), [0, 1, 2, 10].map(|n| (n, at(i64::from(n)))).to_vec())]);
    assert_eq!((spool.bytes(), leftovers.set_aside), (5 * 4096, 0));
    assert_eq!(spool.read(notes.event, 10, at(10)).expect("it is there"), [10]);
    spool.remove(notes.event).expect("removed");
    assert_eq!((spool.bytes(), group.exists()), (0, false));
    spool.remove(notes.event).expect("once more does no harm");
}

#[test]
fn it_grows_to_its_bound_and_what_is_there_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spool, _) = Spool::open(folder.path(), 3 * 4096).expect("a sound folder");
    let (first, second) = (notes(), notes());
    spool.keep(&first, 0, at(0), &[1; 4096]).expect("room");
    assert!(matches!(spool.keep(&first, 1, at(1), &[1; 4097]), Err(SpoolError::Full)));
    spool.keep(&first, 1, at(1), &[1]).expect("room for a small one");
    assert!(matches!(spool.keep(&second, 0, at(1), &[1]), Err(SpoolError::Full)));
    assert!(!folder.path().join(second.event.to_string()).exists());
    spool.remove(first.event).expect("removed");
    spool.keep(&second, 0, at(1), &[1]).expect("there is room again");
}

#[test]
fn what_cannot_be_read_is_set_aside_and_stops_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (sound, corrupt, bare, unbegun, other) = (notes(), notes(), notes(), notes(), notes());
    let of = |notes: &Notes| folder.path().join(notes.event.to_string());
    {
        let (spool, _) = open(folder.path());
        for notes in [&sound, &corrupt, &other] {
            spool.keep(notes, 0, at(0), &[1]).expect("room");
        }
        spool.begin(&of(&bare), &bare).expect("room");
    }
    fs::write(of(&corrupt).join(Spool::NOTES), "{\"event\": ").expect("a file");
    fs::create_dir(of(&unbegun)).expect("a folder");
    fs::write(of(&unbegun).join("group.json.part"), "{").expect("a file");
    fs::rename(of(&other), folder.path().join("holiday")).expect("renamed");
    fs::write(folder.path().join("stray.txt"), "what is this").expect("a file");

    let (spool, leftovers) = open(folder.path());
    assert_eq!(leftovers.groups.len(), 1);
    assert_eq!(leftovers.groups[0].0, sound);
    let mut hopeless = leftovers.hopeless;
    hopeless.sort();
    let mut expected = vec![corrupt.event, bare.event, unbegun.event];
    expected.sort();
    assert_eq!(hopeless, expected, "nobody waits for their pictures");
    assert_eq!(leftovers.set_aside, 3);
    let aside = folder.path().join(Spool::ASIDE);
    for name in [corrupt.event.to_string(), "holiday".to_owned(), "stray.txt".to_owned()] {
        assert!(aside.join(&name).exists(), "{name}");
    }
    assert_eq!(spool.bytes(), 2 * 4096);
    assert_eq!(open(folder.path()).1.set_aside, 0, "once");
}

#[test]
fn what_cannot_even_be_set_aside_is_counted_and_stops_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (sound, corrupt) = (notes(), notes());
    {
        let (spool, _) = open(folder.path());
        for notes in [&sound, &corrupt] {
            spool.keep(notes, 0, at(0), &[1]).expect("room");
        }
    }
    let damaged = folder.path().join(corrupt.event.to_string());
    fs::write(damaged.join(Spool::NOTES), "{").expect("a file");
    // No folder of this name can be made.
    fs::write(folder.path().join(Spool::ASIDE), "a file").expect("a file");
    let (_, leftovers) = open(folder.path());
    assert_eq!(leftovers.groups.iter().map(|(notes, _)| notes.event).collect::<Vec<_>>(), [sound.event]);
    assert_eq!((leftovers.hopeless, leftovers.set_aside), (vec![corrupt.event], 1));
    assert!(damaged.exists(), "it is left there");
}

#[test]
fn not_everything_is_kept_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..3 {
        for n in 0..20 {
            fs::write(folder.path().join(format!("{round}-{n:02}")), "x").expect("a file");
        }
        open(folder.path());
    }
    let kept = fs::read_dir(folder.path().join(Spool::ASIDE)).expect("a folder").count();
    assert_eq!(kept, Spool::ASIDE_AT_MOST);
}
