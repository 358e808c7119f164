use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::settings::load_from;

struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn settings(&self, more: &str) -> Settings {
        fs::create_dir_all(self.0.path().join("data")).expect("a folder");
        load_from(more, Vec::new(), self.0.path()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn roster(&self, more: &str) -> Roster {
        Roster::open(&self.settings(more)).expect("it opens")
    }

    fn kept(&self) -> String {
        fs::read_to_string(kept_in(&self.0.path().join("data"))).expect("there is one")
    }
}

const FILE_CAMERA: &str = "[[cameras]]\nid = \"door\"\nurl = \"rtsp://10.0.0.1/x\"\n";

fn id(text: &str) -> CameraId {
    text.parse().expect("an id")
}

fn ids(roster: &Roster) -> Vec<(String, bool)> {
    roster.cameras().iter().map(|camera| (camera.id.to_string(), camera.enabled)).collect()
}

fn yard() -> Value {
    json!({ "id": "yard", "url": "rtsp://admin:s3cret@10.0.0.2/cam?token=t0ken", "every": "2s" })
}

#[test]
fn what_is_added_is_there_after_a_restart_and_its_secrets_are_not_on_disk() {
    let site = Site::new();
    let mut roster = site.roster(FILE_CAMERA);
    let done = roster.carry_out(Order::Add(yard())).expect("added");
    assert_eq!(done, Done { id: Some(id("yard")), change: Change::Added });
    let kept = site.kept();
    for secret in ["s3cret", "t0ken", "admin", "10.0.0.2"] {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
    let again = site.roster(FILE_CAMERA);
    assert_eq!(ids(&again), [("door".into(), true), ("yard".into(), true)]);
    assert_eq!(again.cameras(), roster.cameras());
    let entry = again.entry("yard").expect("it is there");
    assert_eq!((entry.origin, &entry.settings["every"]), (Origin::Added, &json!("2s")));
    let shown = entry.settings.to_string();
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
}

#[test]
fn the_same_again_is_no_mistake_and_another_is_not_taken_for_it() {
    let site = Site::new();
    let mut roster = site.roster("");
    roster.carry_out(Order::Add(yard())).expect("added");
    assert_eq!(roster.carry_out(Order::Add(yard())).expect("the same").change, Change::Same);
    let other = json!({ "id": "yard", "url": "rtsp://10.0.0.3/cam" });
    assert_eq!(roster.carry_out(Order::Add(other.clone())), Err(Refusal::Exists(id("yard"))));
    assert_eq!(roster.carry_out(Order::Put(id("yard"), other.clone())).expect("changed").change, Change::Changed);
    assert_eq!(roster.carry_out(Order::Put(id("yard"), other)).expect("the same").change, Change::Same);
    let nameless = json!({ "url": "rtsp://10.0.0.4/cam" });
    assert_eq!(roster.carry_out(Order::Put(id("new"), nameless)).expect("added").change, Change::Added);
    let other_id = json!({ "id": "a", "url": "rtsp://10.0.0.4/cam" });
    assert!(matches!(roster.carry_out(Order::Put(id("b"), other_id)), Err(Refusal::Invalid(_))));
}

#[test]
fn a_patch_changes_what_it_names_and_keeps_the_password() {
    let site = Site::new();
    let mut roster = site.roster("");
    roster.carry_out(Order::Add(yard())).expect("added");
    let patch = json!({ "name": "The yard", "every": null, "visits": { "hits": 3 } });
    assert_eq!(roster.carry_out(Order::Patch(id("yard"), patch)).expect("changed").change, Change::Changed);
    let camera = site.roster("").cameras().pop().expect("one");
    assert_eq!((&*camera.name, camera.every.as_secs(), camera.visits.hits), ("The yard", 1, 3));
    assert_eq!(camera.credentials.expect("some").password.expose(), "s3cret");
    assert_eq!(roster.carry_out(Order::Patch(id("gone"), json!({}))), Err(Refusal::Unknown(id("gone"))));
    assert!(matches!(roster.carry_out(Order::Patch(id("yard"), json!(3))), Err(Refusal::Invalid(_))));
}

#[test]
fn what_was_switched_by_hand_stays_so_when_something_else_is_changed() {
    for (enabled, order, is_watched) in
        [(true, Order::Stop(id("yard")), false), (false, Order::Start(id("yard")), true)]
    {
        let site = Site::new();
        let mut roster = site.roster("");
        let mut camera = yard();
        camera["enabled"] = json!(enabled);
        roster.carry_out(Order::Add(camera.clone())).expect("added");
        roster.carry_out(order).expect("switched");
        roster.carry_out(Order::Patch(id("yard"), json!({ "name": "The yard" }))).expect("changed");
        assert_eq!(ids(&site.roster("")), [("yard".into(), is_watched)], "enabled = {enabled}");
        camera["enabled"] = json!(!enabled);
        roster.carry_out(Order::Put(id("yard"), camera)).expect("changed");
        assert_eq!(ids(&roster), [("yard".into(), !enabled)], "it is said");
    }
}

#[test]
fn what_is_said_stays_when_the_default_changes() {
    let site = Site::new();
    let mut roster = site.roster("");
    roster.carry_out(Order::Add(json!({ "id": "yard", "url": "rtsp://10.0.0.2/" }))).expect("added");
    let quiet = roster.cameras()[0].visits.quiet;
    let said = json!({ "visits": { "quiet": format!("{}s", quiet.as_secs()) } });
    assert_eq!(roster.carry_out(Order::Patch(id("yard"), said.clone())).expect("kept").change, Change::Changed);
    assert_eq!(roster.carry_out(Order::Patch(id("yard"), said)).expect("the same").change, Change::Same);
    roster.reloaded(&site.settings("[visits]\nquiet = \"47s\"")).expect("nothing is wrong");
    assert_eq!(roster.cameras()[0].visits.quiet, quiet);
    roster.carry_out(Order::Patch(id("yard"), json!({ "visits": { "quiet": null } }))).expect("taken back");
    assert_eq!(roster.cameras()[0].visits.quiet.as_secs(), 47);
}

#[test]
fn every_wrong_field_is_named_and_no_file_is_read_for_anybody() {
    let site = Site::new();
    let mut roster = site.roster("");
    let wrong =
        json!({ "id": "a b", "url": "http://x", "evry": "1s", "zones": [{ "name": "z", "polygon": [[0, 0]] }] });
    let Err(Refusal::Invalid(problems)) = roster.carry_out(Order::Add(wrong)) else { panic!("it is taken") };
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    for path in ["id", "url", "evry", "zones[0].polygon"] {
        assert!(paths.contains(&path), "{path} in {problems:?}");
    }
    let file = json!({ "id": "x", "url": "rtsp://10.0.0.2/", "username": "a", "password_file": "/etc/passwd" });
    let Err(Refusal::Invalid(problems)) = roster.carry_out(Order::Add(file)) else { panic!("it is taken") };
    assert_eq!(problems[0].path, "password_file");
    let variable = json!({ "id": "x", "url": "rtsp://10.0.0.2/", "username": "a", "password": "${HOME}" });
    roster.carry_out(Order::Add(variable)).expect("a password like any other");
    let camera = roster.cameras().pop().expect("one");
    assert_eq!(camera.credentials.expect("some").password.expose(), "${HOME}");
    assert!(matches!(roster.carry_out(Order::Add(json!([1]))), Err(Refusal::Invalid(_))));
}

#[test]
fn what_was_added_follows_the_settings_that_are_read_anew() {
    let site = Site::new();
    let mut roster = site.roster("");
    roster.carry_out(Order::Add(json!({ "id": "yard", "url": "rtsp://10.0.0.2/" }))).expect("added");
    let before = roster.cameras()[0].visits.clone();
    roster.reloaded(&site.settings("[visits]\nquiet = \"47s\"")).expect("nothing is wrong");
    let after = roster.cameras()[0].visits.clone();
    assert_ne!(after, before);
    assert_eq!(after, site.roster("[visits]\nquiet = \"47s\"").cameras()[0].visits, "as after a restart");
}

#[test]
fn only_what_is_watched_is_connected_to_anew() {
    let site = Site::new();
    let mut roster = site.roster("");
    roster.carry_out(Order::Add(json!({ "id": "yard", "url": "rtsp://10.0.0.2/" }))).expect("added");
    let mut change = |order| roster.carry_out(order).expect("done").change;
    assert_eq!(change(Order::Restart(id("yard"))), Change::Restarted);
    assert_eq!(change(Order::Stop(id("yard"))), Change::Switched);
    assert_eq!(change(Order::Restart(id("yard"))), Change::Same);
}

#[test]
fn a_relay_that_was_switched_off_stays_so_until_it_is_switched_on() {
    let site = Site::new();
    let mut roster = site.roster("");
    let yard = || id("yard");
    let add = |relay: Value| json!({ "id": "yard", "url": "rtsp://10.0.0.2/", "relay": relay });
    roster.carry_out(Order::Add(add(Value::Null))).expect("added");
    assert_eq!(roster.carry_out(Order::StopRelay(yard())), Err(Refusal::NoRelay(yard())));
    let to = json!("rtmp://10.0.0.3/live/yard");
    roster.carry_out(Order::Put(yard(), add(to.clone()))).expect("changed");
    let is_on = |roster: &Roster| roster.cameras()[0].relay.is_some();
    assert!(is_on(&roster));
    let change = |roster: &mut Roster, order| roster.carry_out(order).expect("done").change;
    assert_eq!(change(&mut roster, Order::StopRelay(yard())), Change::Switched);
    assert_eq!(change(&mut roster, Order::StopRelay(yard())), Change::Same);
    for order in [
        Order::Stop(yard()),
        Order::Start(yard()),
        Order::Put(yard(), json!({ "url": "rtsp://10.0.0.9/", "relay": to })),
    ] {
        change(&mut roster, order);
        assert!(!is_on(&roster) && !is_on(&site.roster("")), "also after a restart");
    }
    assert_eq!(change(&mut roster, Order::StartRelay(yard())), Change::Switched);
    assert!(is_on(&roster) && is_on(&site.roster("")));
    // Another camera of that name is not meant.
    change(&mut roster, Order::StopRelay(yard()));
    change(&mut roster, Order::Remove(yard()));
    roster.carry_out(Order::Add(add(json!("rtmp://10.0.0.3/live/other")))).expect("added");
    assert!(is_on(&roster));
}

#[test]
fn what_was_masked_when_it_was_shown_is_not_taken_for_a_password() {
    let site = Site::new();
    let mut roster = site.roster("");
    let secret = json!({ "id": "yard", "url": "rtsp://10.0.0.2/cam?token=t0ken", "username": "a", "password": "s3cret",
        "relay": "rtmp://10.0.0.3/live/k3y" });
    roster.carry_out(Order::Add(secret)).expect("added");
    let shown = roster.entry("yard").expect("it is there").settings;
    assert!(!shown.to_string().contains("k3y"), "{shown}");
    let Err(Refusal::Invalid(problems)) = roster.carry_out(Order::Put(id("yard"), shown)) else {
        panic!("it is taken")
    };
    let mut paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["password", "relay", "url"]);
    // What was kept is not judged by it: it may be a password after all.
    let odd = json!({ "id": "odd", "url": "rtsp://10.0.0.4/", "username": "a", "password": "a***b" });
    roster.carry_out(Order::Add(odd)).expect("added");
    roster.carry_out(Order::Patch(id("odd"), json!({ "name": "Odd" }))).expect("changed");
    let Err(Refusal::Invalid(_)) = roster.carry_out(Order::Patch(id("odd"), json!({ "password": "***" }))) else {
        panic!("it is taken")
    };
}

#[test]
fn cameras_of_the_file_are_changed_there_but_may_be_started_and_stopped() {
    let site = Site::new();
    let mut roster = site.roster(FILE_CAMERA);
    let door = || id("door");
    assert_eq!(roster.carry_out(Order::Remove(door())), Err(Refusal::InFile(door())));
    assert_eq!(roster.carry_out(Order::Patch(door(), json!({}))), Err(Refusal::InFile(door())));
    assert_eq!(roster.carry_out(Order::Stop(door())).expect("stopped").change, Change::Switched);
    assert_eq!(roster.carry_out(Order::Stop(door())).expect("it is").change, Change::Same);
    let mut again = site.roster(FILE_CAMERA);
    assert_eq!(ids(&again), [("door".into(), false)], "also after a restart");
    again.carry_out(Order::Start(door())).expect("started");
    assert_eq!(ids(&site.roster(FILE_CAMERA)), [("door".into(), true)]);
    assert_eq!(again.carry_out(Order::Start(id("dor"))), Err(Refusal::Unknown(id("dor"))));
    again.carry_out(Order::Add(yard())).expect("added");
    again.carry_out(Order::StopAll).expect("stopped");
    assert_eq!(ids(&again), [("door".into(), false), ("yard".into(), false)]);
    assert_eq!(again.carry_out(Order::Restart(door())).expect("known").change, Change::Same, "it rests");
}

#[test]
fn there_is_a_bound() {
    let site = Site::new();
    let mut roster = site.roster(&format!("[control]\nmax_cameras = 2\n{FILE_CAMERA}"));
    roster.carry_out(Order::Add(yard())).expect("the second");
    let third = json!({ "id": "c", "url": "rtsp://10.0.0.3/" });
    assert_eq!(roster.carry_out(Order::Add(third)), Err(Refusal::Full { max_cameras: 2 }));
    roster.carry_out(Order::Add(yard())).expect("it is there already");
    roster.carry_out(Order::Remove(id("yard"))).expect("removed");
    roster.carry_out(Order::Add(json!({ "id": "c", "url": "rtsp://10.0.0.3/" }))).expect("there is room now");
}

#[test]
fn only_allowed_networks_are_reached() {
    let site = Site::new();
    let mut roster = site.roster("[control]\nnetworks = [\"10.0.0.0/24\", \"fd00::/8\"]\n");
    roster.carry_out(Order::Add(yard())).expect("inside");
    for (url, why) in [
        ("rtsp://10.0.1.2/", "10.0.0.0/24"),
        ("rtsp://127.0.0.1/", "none of the networks"),
        ("rtsp://camera.example/", "IP address"),
        ("rtsp://[fe80::1]/", "none of the networks"),
    ] {
        let order = Order::Add(json!({ "id": "x", "url": url }));
        let Err(Refusal::Invalid(problems)) = roster.carry_out(order) else { panic!("{url} is taken") };
        assert!(problems[0].path == "url" && problems[0].text.contains(why), "{problems:?}");
    }
    let passed_on = json!({ "id": "x", "url": "rtsp://10.0.0.5/", "relay": "rtmp://10.0.1.2/live/x" });
    let Err(Refusal::Invalid(problems)) = roster.carry_out(Order::Add(passed_on)) else { panic!("it is taken") };
    assert_eq!(problems[0].path, "relay");
    roster.carry_out(Order::Add(json!({ "id": "six", "url": "rtsp://[fd12::1]/" }))).expect("inside");
}

#[test]
fn what_cannot_be_read_is_said_and_left_alone() {
    let site = Site::new();
    let mut roster = site.roster("");
    roster.carry_out(Order::Add(yard())).expect("added");
    let data = site.0.path().join("data");
    let whole = site.kept();
    fs::rename(data.join("cameras.key"), data.join("elsewhere")).expect("moved");
    let error = Roster::open(&site.settings("")).expect_err("no key");
    assert!(matches!(&error, RosterError::WrongKey { camera, .. } if camera == "yard"), "{error}");
    assert!(!data.join("cameras.key").exists(), "no other key takes its place");
    fs::rename(data.join("elsewhere"), data.join("cameras.key")).expect("moved back");
    fs::write(kept_in(&data), &whole[..whole.len() / 2]).expect("cut short");
    assert!(matches!(Roster::open(&site.settings("")).err(), Some(RosterError::Damaged { .. })));
    fs::write(kept_in(&data), &whole).expect("put back");
    assert_eq!(ids(&site.roster("")), [("yard".into(), true)]);
}

#[test]
fn what_cannot_be_kept_is_not_done() {
    let site = Site::new();
    let mut roster = site.roster("");
    fs::remove_dir_all(site.0.path().join("data")).expect("gone");
    assert!(matches!(roster.carry_out(Order::Add(yard())), Err(Refusal::NotSaved(_))));
    assert_eq!(ids(&roster), []);
}

#[test]
fn a_camera_that_the_file_names_too_is_the_files() {
    let site = Site::new();
    let mut roster = site.roster("");
    roster.carry_out(Order::Add(json!({ "id": "door", "url": "rtsp://10.0.0.9/" }))).expect("added");
    roster.reloaded(&site.settings(FILE_CAMERA)).expect("nothing is wrong");
    assert_eq!(roster.cameras().len(), 1);
    assert_eq!(roster.cameras()[0].url.as_str(), "rtsp://10.0.0.1/x");
    roster.reloaded(&site.settings("")).expect("nothing is wrong");
    assert_eq!(roster.cameras()[0].url.as_str(), "rtsp://10.0.0.9/", "nothing was lost");
}

#[test]
fn playing_starts_what_is_there_and_adds_what_is_not() {
    let site = Site::new();
    let mut roster = site.roster(FILE_CAMERA);
    let play = |roster: &mut Roster, name: &str, url: &str| roster.carry_out(Order::Play(id(name), url.into()));
    assert_eq!(play(&mut roster, "a", "rtsp://u:p@10.0.0.7/1").expect("added").change, Change::Added);
    assert_eq!(play(&mut roster, "a", "rtsp://u:p@10.0.0.7/1").expect("it runs").change, Change::Same);
    roster.carry_out(Order::Stop(id("a"))).expect("stopped");
    assert_eq!(play(&mut roster, "a", "rtsp://u:p@10.0.0.7/1").expect("started").change, Change::Switched);
    let named = json!({ "name": "The first" });
    roster.carry_out(Order::Patch(id("a"), named)).expect("changed");
    assert_eq!(play(&mut roster, "a", "rtsp://10.0.0.8/1").expect("at another address").change, Change::Changed);
    let camera = roster.cameras().pop().expect("it is there");
    assert_eq!((&*camera.name, camera.url.as_str(), camera.credentials), ("The first", "rtsp://10.0.0.8/1", None));
    assert_eq!(play(&mut roster, "door", "rtsp://10.0.0.1/x").expect("it runs").change, Change::Same);
    assert_eq!(play(&mut roster, "door", "rtsp://10.0.0.2/x"), Err(Refusal::InFile(id("door"))));
}

#[test]
fn what_would_not_start_with_the_settings_is_said_and_nothing_changes() {
    let site = Site::new();
    let mut roster = site.roster("");
    for (name, visits) in [("a", json!({ "hits": 3 })), ("b", json!({ "quiet": "1m" })), ("c", json!({ "hits": 3 }))] {
        let camera = json!({ "id": name, "url": "rtsp://10.0.0.2/", "visits": visits });
        roster.carry_out(Order::Add(camera)).expect("added");
    }
    let before = roster.cameras();
    let wrong = format!("[control]\nmax_cameras = 3\n[visits]\nhits = 1\nwindow = 2\nquiet = \"47s\"\n{FILE_CAMERA}");
    let problems = roster.reloaded(&site.settings(&wrong)).expect_err("3 of 2 samples");
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["visits.hits of \"a\", which was added", "visits.hits of \"c\", which was added"]);
    assert_eq!(roster.cameras(), before);
    assert!(roster.entry("door").is_none());
    roster.carry_out(Order::Add(yard())).expect("by the bound of before");
    assert!(matches!(Roster::open(&site.settings(&wrong)), Err(RosterError::Invalid { .. })), "as it is said");
}

#[test]
fn what_was_switched_of_a_camera_that_is_no_more_does_not_hold_for_another_of_its_name() {
    let with_relay =
        |id: &str| format!("[[cameras]]\nid = \"{id}\"\nurl = \"rtsp://h/\"\nrelay = \"rtmp://h/live/{id}\"\n");
    let (both, gate) = (with_relay("door") + &with_relay("gate"), with_relay("gate"));
    let is_on = |roster: &Roster| -> Vec<(String, bool, bool)> {
        let cameras = roster.cameras();
        cameras.iter().map(|camera| (camera.id.to_string(), camera.enabled, camera.relay.is_some())).collect()
    };
    type Read = fn(&Site, Roster, &str) -> Roster;
    let anew: Read = |site, mut roster, text| {
        roster.reloaded(&site.settings(text)).expect("nothing is wrong");
        roster
    };
    let at_a_start: Read = |site, _, text| site.roster(text);
    for read in [anew, at_a_start] {
        let site = Site::new();
        let mut roster = site.roster(&both);
        roster.carry_out(Order::Add(yard())).expect("added");
        for name in ["door", "gate"] {
            roster.carry_out(Order::StopRelay(id(name))).expect("switched");
        }
        roster.carry_out(Order::StopAll).expect("stopped");
        let mut roster = read(&site, roster, &gate);
        roster.put_in_order().expect("written");
        assert!(!site.kept().contains("door"), "{}", site.kept());
        let roster = read(&site, roster, &both);
        let expected = [("door", true, true), ("gate", false, false), ("yard", false, false)];
        assert_eq!(is_on(&roster), expected.map(|(id, enabled, relay)| (id.to_owned(), enabled, relay)));
    }
}

#[test]
fn what_cannot_be_forgotten_on_disk_is_not_forgotten() {
    let site = Site::new();
    let mut roster = site.roster(FILE_CAMERA);
    roster.carry_out(Order::Stop(id("door"))).expect("stopped");
    let nothing = site.settings("");
    roster.reloaded(&nothing).expect("nothing is wrong");
    let data = site.0.path().join("data");
    fs::rename(&data, site.0.path().join("elsewhere")).expect("moved");
    assert!(matches!(roster.put_in_order(), Err(Refusal::NotSaved(_))));
    fs::rename(site.0.path().join("elsewhere"), &data).expect("moved back");
    roster.put_in_order().expect("written");
    assert!(!site.kept().contains("door"), "{}", site.kept());
}
