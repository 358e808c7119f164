use std::{fs, time::Instant};

use futures::FutureExt;
use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpgid};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::{
    events::{Sighting, sample},
    settings::Way,
    sinks::{Surroundings, open, tests::until},
    words::Rect,
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(400);

/// A shell script; `$0` is a file in a folder of the test's own.
struct Script {
    folder: TempDir,
    command: Command,
}

impl Script {
    fn new(script: &str, timeout: Duration) -> Self {
        Self::without(&[], script, timeout)
    }

    /// Without these variables of the environment.
    fn without(variables: &[&str], script: &str, timeout: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file").display().to_string();
        let arguments = vec!["-c".to_owned(), script.to_owned(), file];
        let withheld = variables.iter().map(ToString::to_string).collect();
        let settings = settings::Command { program: "/bin/sh".into(), arguments, timeout, withheld };
        Self { folder, command: Command::new(&settings, "/lookout/test") }
    }

    async fn told(&self, event: &Event) -> Outcome {
        let outcome = tokio::time::timeout(self.command.deadline(), self.command.deliver(event)).await;
        outcome.expect("the courier's patience is longer")
    }

    fn written(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// The process ids that the script wrote down, once it has written `count` whole ones.
    async fn processes(&self, count: usize) -> Vec<i32> {
        until("the script started", || self.written("file").matches('\n').count() >= count).await;
        self.written("file").lines().map(|line| line.parse().expect("a process id")).collect()
    }
}

async fn refusal(script: &str, timeout: Duration) -> (String, bool) {
    match Script::new(script, timeout).told(&sample::started("door")).await {
        Outcome::Refused { error, retry_after: None, blames_event } => (error, blames_event),
        other => panic!("not refused: {other:?}"),
    }
}

/// Whether it runs; a dead one that nobody has buried does not.
fn runs(process: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}

/// An event that does not fit into a pipe.
fn large() -> Event {
    let mut event = sample::started("door");
    let sighting = Sighting { score: 0.5, area: Rect::from([0.25; 4]), track: Some(1) };
    event.data.detections = vec![sighting; 5000];
    assert!(payload::cloud_event(&event, "").len() > 200 << 10);
    event
}

#[actix::test]
async fn the_program_is_told_on_its_standard_input_and_in_its_environment() {
    let script = Script::new("cat > \"$0\"; env > \"$0.env\"; pwd > \"$0.pwd\"; echo ignored", LONG);
    let event = sample::started("door");
    assert_eq!(script.told(&event).await, Outcome::Accepted);
    let expected = String::from_utf8(payload::cloud_event(&event, "/lookout/test")).expect("JSON");
    assert_eq!(script.written("file"), expected + "\n");
    let environment = script.written("file.env");
    let mut ours: Vec<&str> = environment.lines().filter(|line| line.starts_with("LOOKOUT_")).collect();
    ours.sort_unstable();
    let id = format!("LOOKOUT_EVENT_ID={}", event.id);
    assert_eq!(ours, ["LOOKOUT_CAMERA=door", id.as_str(), "LOOKOUT_EVENT_TYPE=lookout.visit.started"]);
    assert!(environment.contains("PATH="), "the rest is inherited");
    let folder = std::env::current_dir().expect("a folder").display().to_string();
    assert_eq!(script.written("file.pwd").trim(), folder);
}

#[actix::test]
async fn what_concerns_no_camera_names_none() {
    let script = Script::new("env > \"$0\"", LONG);
    let mut event = sample::up("door");
    event.data.camera = None;
    assert_eq!(script.told(&event).await, Outcome::Accepted);
    assert!(script.written("file").contains("LOOKOUT_EVENT_ID="));
    assert!(!script.written("file").contains("LOOKOUT_CAMERA"));
}

#[test]
fn invariant_13_settings_in_variables_are_not_handed_on() {
    for (name, ours) in [("LOOKOUT__SINKS__0__SECRET", true), ("LOOKOUT_CONFIG", true), ("PATH", false)] {
        assert_eq!(is_ours(OsStr::new(name)), ours, "{name}");
    }
}

#[actix::test]
async fn invariant_13_variables_that_the_settings_name_are_not_handed_on() {
    // One that the test itself inherits: who runs tests sets it.
    const NAMED: &str = "CARGO_MANIFEST_DIR";
    for (withheld, expected) in [(&[][..], 1), (&[NAMED][..], 0)] {
        let script = Script::without(withheld, "env > \"$0\"", LONG);
        assert_eq!(script.told(&sample::started("door")).await, Outcome::Accepted);
        let environment = script.written("file");
        let found = environment.lines().filter(|line| line.starts_with(&format!("{NAMED}="))).count();
        assert_eq!(found, expected, "{withheld:?}: {environment}");
        assert!(environment.contains("PATH="), "the rest is inherited");
    }
}

#[actix::test]
async fn the_exit_status_says_how_it_went() {
    assert_eq!(refusal("exit 3", LONG).await, ("/bin/sh ended with status 3".to_owned(), false));
    let (error, blames_event) = refusal("echo 'bad  thing' >&2; exit 65", LONG).await;
    assert_eq!((error.as_str(), blames_event), ("/bin/sh ended with status 65: bad thing", true));
    let (error, blames_event) = refusal("echo busy >&2; exit 75", LONG).await;
    assert_eq!((error.as_str(), blames_event), ("/bin/sh wants to be run again later: busy", false));
    let (error, blames_event) = refusal("kill -TERM $$", LONG).await;
    assert_eq!((error.as_str(), blames_event), ("/bin/sh was ended by signal 15", false));
}

#[actix::test]
async fn however_much_it_says_the_end_is_shown() {
    let flood = "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); printf '%0200d' 0 >&2; printf '%0200d' 0; done";
    let (error, _) = refusal(&format!("{flood}; echo the end >&2; exit 1"), LONG).await;
    assert!(error.ends_with("000the end"), "{error}");
    assert!(error.len() < 400, "{error}");
}

#[actix::test]
async fn a_program_that_does_not_read_its_input_has_not_failed() {
    let event = large();
    for script in ["exit 0", "exec <&-; sleep 0.1", "head -c 10 > \"$0\"; sleep 0.1"] {
        assert_eq!(Script::new(script, LONG).told(&event).await, Outcome::Accepted, "{script}");
    }
    let script = Script::new("wc -c > \"$0\"", LONG);
    assert_eq!(script.told(&event).await, Outcome::Accepted);
    let length = payload::cloud_event(&event, "/lookout/test").len() + 1;
    assert_eq!(script.written("file").trim(), length.to_string());
}

const FAMILY: &str = "echo $$ > \"$0.new\"; sleep 600 & echo $! >> \"$0.new\"; (sleep 600 & echo $! >> \"$0.new\"); \
                      mv \"$0.new\" \"$0\";";

#[actix::test]
async fn invariant_9_when_its_time_is_up_it_is_killed_with_all_that_it_started() {
    let script = Script::new(&format!("{FAMILY} echo waiting >&2; trap '' TERM INT HUP; sleep 600"), SHORT);
    let Outcome::Refused { error, blames_event: false, .. } = script.told(&sample::started("door")).await else {
        panic!("not refused");
    };
    assert_eq!(error, "/bin/sh did not end within 400ms and was killed: waiting");
    for process in script.processes(3).await {
        until("it is gone", || !runs(process)).await;
    }
}

#[actix::test]
async fn what_it_leaves_behind_ends_with_it() {
    let script = Script::new(&format!("{FAMILY} exit 0"), LONG);
    assert_eq!(script.told(&sample::started("door")).await, Outcome::Accepted);
    for process in script.processes(3).await {
        until("it is gone", || !runs(process)).await;
    }
}

#[actix::test]
async fn a_delivery_that_is_given_up_leaves_nothing_running() {
    let script = Script::new(&format!("{FAMILY} sleep 600"), LONG);
    let mut delivery = script.command.deliver(&sample::started("door")).fuse();
    let processes = futures::select_biased! {
        processes = script.processes(3).fuse() => processes,
        outcome = delivery => panic!("it ended: {outcome:?}"),
    };
    assert!(processes.iter().all(|&process| runs(process)));
    drop(delivery);
    for process in processes {
        until("it is gone", || !runs(process)).await;
    }
}

#[actix::test]
async fn who_has_left_the_group_is_not_waited_for() {
    let script = Script::new(
        "setsid sh -c 'echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 600' \"$0\" & \
                              while ! [ -e \"$0\" ]; do sleep 0.02; done",
        LONG,
    );
    let begun = Instant::now();
    assert_eq!(script.told(&sample::started("door")).await, Outcome::Accepted);
    assert!(begun.elapsed() < LONG, "its standard error stays open");
    let process = script.processes(1).await[0];
    assert!(runs(process));
    let process = Pid::from_raw(process).expect("a process id");
    rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("it is ours");
}

#[actix::test]
async fn the_dead_are_buried_where_nobody_else_does() {
    // As the first process of a container, Lookout inherits what its commands leave behind.
    set_child_subreaper(Pid::from_raw(1)).expect("Linux");
    let script = Script::new(&format!("{FAMILY} exit 0"), LONG);
    assert_eq!(script.told(&sample::started("door")).await, Outcome::Accepted);
    let leader = Pid::from_raw(script.processes(3).await[0]).expect("a process id");
    let left = waitpgid(leader, WaitOptions::NOHANG);
    assert_eq!(left.expect_err("nobody is left"), rustix::io::Errno::CHILD);
}

#[actix::test]
async fn a_program_that_cannot_be_run_is_named_without_its_arguments() {
    let folder = tempfile::tempdir().expect("a folder");
    let no_program = folder.path().join("notes.txt");
    fs::write(&no_program, "notes").expect("written");
    for (program, expected) in [
        (folder.path().join("nothing"), "there is no program"),
        ("lookout-no-such-program".into(), "there is no program lookout-no-such-program"),
        (no_program, "may not be run"),
    ] {
        let arguments = vec!["--token".to_owned(), "s3cret".to_owned()];
        let command = settings::Command { program, arguments, timeout: LONG, withheld: Arc::default() };
        let filter = settings::Filter::default();
        let settings = settings::Sink { name: "alarm".into(), filter, budget: None, way: Way::Command(command) };
        let (sink, cell) = open(&settings, &Surroundings::of_no_cameras()).expect("found out when it is run");
        assert!(sink.deadline() > LONG);
        let Outcome::Refused { error, .. } = sink.deliver(&sample::started("door")).await else {
            panic!("not refused");
        };
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("s3cret") && !cell.target.contains("s3cret"), "{error} {}", cell.target);
        assert!(cell.target.starts_with("command "), "{}", cell.target);
    }
}

#[actix::test]
async fn programs_that_do_not_start_take_no_further_threads() {
    let script = Script::new("echo ran >> \"$0\"", LONG);
    let starting = Arc::clone(&script.command.starts).try_acquire_many_owned(Courier::IN_FLIGHT as u32);
    let starting = starting.expect("nothing is started yet");
    let outcome = script.told(&sample::started("door")).await;
    let Outcome::Refused { error, blames_event: false, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error, "/bin/sh: earlier runs of it have not started yet");
    drop(starting);
    assert_eq!(script.told(&sample::started("door")).await, Outcome::Accepted);
    assert_eq!(script.written("file"), "ran\n", "the first one was not started");
    assert_eq!(script.command.starts.available_permits(), Courier::IN_FLIGHT, "what has started keeps no place");
}

#[actix::test]
async fn many_at_once_do_not_mix() {
    let scripts: Vec<Script> = (0..8).map(|_| Script::new("cat > \"$0\"", LONG)).collect();
    let events: Vec<Event> = (0..8).map(|n| sample::started(&format!("door{n}"))).collect();
    let told = futures::future::join_all(scripts.iter().zip(&events).map(|(script, event)| script.told(event))).await;
    assert!(told.iter().all(|outcome| *outcome == Outcome::Accepted), "{told:?}");
    for (script, event) in scripts.iter().zip(&events) {
        let written: Value = serde_json::from_str(&script.written("file")).expect("JSON");
        assert_eq!(written["id"], event.id.to_string());
    }
}
