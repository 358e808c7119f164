//! The dashboard in a real browser, in front of the real program and simulated cameras.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use lookout::simulate::{Clip, Mount};
use serde_json::json;

use crate::support::{
    Cameras, Config, Lookout, Receiver,
    browser::Browser,
    cameras::{blinking, dark},
    http::send,
    program::{program, text},
};

const PASSWORD: &str = "correct horse battery";

/// What `lookout password` makes of the password.
fn hash() -> String {
    let mut command = program();
    command.arg("password").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    writeln!(child.stdin.take().expect("piped"), "{PASSWORD}").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = text(&output.stdout);
    let hash = said.split('"').find(|part| part.starts_with("$argon2id$")).or_else(|| said.split_whitespace().last());
    hash.unwrap_or_else(|| panic!("no hash: {said}")).to_owned()
}

/// Where pictures of the pages are kept for people; git ignores it.
fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots")
}

#[test]
fn somebody_logs_in_adds_a_camera_watches_it_and_sees_who_came() {
    let Some(browser) = Browser::start() else { return };
    let yard = Clip::embedded().expect("the clip that the program carries");
    let (width, height) = (yard.width, yard.height);
    let mut cameras = Cameras::start(vec![
        Mount::new("door", blinking(&[(3, true), (5, false)], 10)),
        Mount::new("yard", yard.into()),
        Mount::new("gone", dark()),
    ]);
    let receiver = Receiver::start();
    let users = format!("[[server.users]]\nname = \"ann\"\nrole = \"admin\"\npassword_hash = \"{}\"\n", hash());
    let config = Config::new()
        .replace("[detector]", &format!("{users}[detector]"))
        .camera("door", &cameras.url("door"))
        .camera("gone", &cameras.url("gone"))
        .sink("phone", &receiver);
    let lookout = Lookout::start(config.text());
    let page = format!("http://{}/", lookout.address());
    browser.resize(1440, 900);
    browser.open(&page);

    // Who is there?
    browser.type_into("[name=username]", "ann");
    browser.type_into("[name=password]", "wrong");
    browser.click("#login");
    browser.wait("a refusal", "document.querySelector('[role=alert]')?.textContent");
    let refused = browser.complaints();
    assert!(refused.iter().all(|line| line.contains("401")), "{refused:?}");
    browser.type_into("[name=password]", PASSWORD);
    browser.click("#login");
    browser.wait("the wall", "!!document.querySelector('#wall-page')");
    browser.wait(
        "a picture",
        "!!document.querySelector('li.tile[data-camera=door] [data-picture], li.tile[data-camera=door][data-picture]')",
    );

    // One more camera: first a look at it, then it is watched.
    browser.click("#add-camera");
    browser.type_into("#add-dialog [name=url]", &cameras.url("yard"));
    browser.click("#probe");
    browser.wait("its picture", &format!("document.querySelector('#probe-result img')?.naturalWidth === {width}"));
    browser.screenshot(&screenshots(), "add-1440.png");
    browser.type_into("#add-dialog [name=name]", "The yard");
    browser.click("#save-camera");
    browser.wait("its own page", "document.querySelector('#camera-page')?.dataset.state === 'streaming'");
    // Something of it is changed, and nothing else.
    browser.click("#change");
    browser.type_into("#add-dialog [name=name]", "The back yard");
    browser.screenshot(&screenshots(), "change-1440.png");
    browser.click("#save-camera");
    browser.wait("its new name", "document.querySelector('#camera-page h1')?.textContent === 'The back yard'");
    browser.wait("the end of the dialog", "!document.querySelector('#add-dialog')");
    assert_eq!(lookout.try_get("/api/v1/cameras").map(|answer| answer.status), Some(401), "others see nothing");

    // It lives: its time goes on, at its size.
    let video = "document.querySelector('video.live')";
    browser.wait("the live view", &format!("{video}?.readyState >= 2 && {video}.currentTime > 0.2"));
    let size = browser.run(&format!("return [{video}.videoWidth, {video}.videoHeight]"));
    assert_eq!(size, json!([width, height]));
    let now = browser.run(&format!("return {video}.currentTime")).as_f64().expect("a time");
    browser.wait("that it goes on", &format!("{video}.currentTime > {}", now + 1.0));
    browser.screenshot(&screenshots(), "camera-1440.png");

    browser.open(&page);
    let tile = "document.querySelector('li.tile[data-camera=the-yard]')";
    browser.wait("its tile", &format!("{tile}?.dataset.state === 'streaming'"));
    browser.screenshot(&screenshots(), "wall-1440.png");

    // A zone, by keyboard.
    browser.open(&format!("{page}#/cameras/the-yard"));
    browser.click("#zones");
    browser.click("#new-zone");
    let in_sight = "['.stage', '.corner', '#new-zone', '#save-zones'].every((part) => {
        const { top, bottom } = document.querySelector(part).getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
    })";
    browser.wait("the picture, its corners and the buttons together", in_sight);
    browser.press(".corner", "\u{e014}\u{e014}\u{e015}"); // right, right, down
    browser.click("#save-zones");
    browser.wait(
        "that it is kept",
        "document.querySelector('.zone-editor [role=status]')?.textContent.startsWith('Saved')",
    );
    browser.screenshot(&screenshots(), "zones-1440.png");

    browser.click("#shut-zones");
    browser.wait("where it is", "document.querySelector('.zone-lines polygon')?.points.length === 4");
    browser.screenshot(&screenshots(), "zone-lines-1440.png");

    // Who came, with a picture.
    browser.open(&format!("{page}#/visits"));
    browser.wait("a visit with its picture", "[...document.querySelectorAll('#visits .visit img, #there-now .visit img')].some((img) => img.naturalWidth > 0)");
    browser.screenshot(&screenshots(), "visits-1440.png");
    browser.open(&format!("{page}#/deliveries"));
    browser.wait("a delivery", "!!document.querySelector('#deliveries tr[data-sink=phone]')");
    browser.screenshot(&screenshots(), "reports-1440.png");

    browser.open(&format!("{page}#/interface"));
    browser.wait("what answers where", "document.querySelectorAll('#interface li').length > 30");

    // A camera goes, says why, and comes back, and so does its live view.
    let goes_on = "document.querySelector('#camera-page video')?.currentTime > 0.5";
    browser.open(&format!("{page}#/cameras/gone"));
    browser.wait("its live view", goes_on);
    browser.open(&page);
    browser.wait("the wall", "!!document.querySelector('#wall-page li.tile')");
    cameras.stop();
    browser.wait("its trouble", "document.querySelector('li.tile[data-camera=gone]')?.dataset.state === 'waiting'");
    browser.open(&format!("{page}#/cameras/gone"));
    browser.wait("the reason", "document.querySelector('#camera-reason')?.textContent.includes('refuse')");
    browser.screenshot(&screenshots(), "trouble-1440.png");
    let _cameras = Cameras::start_on(
        cameras.address(),
        vec![
            Mount::new("door", blinking(&[(3, true), (5, false)], 10)),
            Mount::new("yard", dark()),
            Mount::new("gone", dark()),
        ],
    );
    browser.wait("its return", "document.querySelector('#camera-page')?.dataset.state === 'streaming'");
    browser.wait("its live view again", goes_on);

    // On a phone nothing is cut off.
    browser.resize(390, 844);
    let pages = [
        ("", "wall", "#wall-page li.tile"),
        ("#/cameras/door", "camera", "#camera-page .stage"),
        ("#/visits", "visits", "#visits .visit, #there-now .visit"),
        ("#/deliveries", "reports", "#deliveries tr"),
        ("#/interface", "interface", "#interface li"),
    ];
    for (address, name, part) in pages {
        browser.open(&format!("{page}{address}"));
        browser.wait(part, &format!("!!document.querySelector('{part}')"));
        browser.screenshot(&screenshots(), &format!("{name}-390.png"));
        assert_eq!(browser.run("return window.innerWidth"), 390);
        let wider = browser.run("return document.documentElement.scrollWidth - window.innerWidth");
        assert!(wider.as_i64() <= Some(0), "{name} is wider than the window by {wider}");
    }
    browser.open(&format!("{page}#/cameras/the-yard"));
    browser.click("#zones");
    browser.click("#new-zone");
    browser.wait("the same on a phone", in_sight);
    browser.screenshot(&screenshots(), "zones-390.png");
    // What is asked of a camera that is away is answered 503, which the browser notes; anything else is a fault.
    let complaints = browser.complaints();
    let faults: Vec<_> = complaints.iter().filter(|line| !line.contains("503") && !line.contains("401")).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

/// Lets a test speak through the streams that a page opens, move its clock, hide it and answer its questions.
const STAND_IN: &str = r#"
    window.streams = [];
    const Stream = window.EventSource;
    window.EventSource = class extends Stream {
        constructor(url) {
            super(url);
            streams.push(this);
        }
    };
    window.say = (event, lastEventId = "") =>
        streams.at(-1).dispatchEvent(new MessageEvent(event.type, { data: JSON.stringify(event), lastEventId }));
    window.visit = (name, time, ended_at) => ({
        id: `${name}-${ended_at ? "ended" : "started"}`,
        type: ended_at ? "lookout.visit.ended" : "lookout.visit.started",
        time: ended_at ?? time,
        data: { camera: { id: name, name }, visit: { id: name, started_at: time, ended_at, peak_count: 1 } },
    });
    window.ago = (ms) => new Date(clock() - ms).toISOString();
    window.clock = Date.now;
    window.later = 0;
    Date.now = () => clock() + later;
    let isAway = false;
    Object.defineProperty(document, "hidden", { get: () => isAway });
    window.look = (away, ms = 0) => {
        isAway = away;
        later += ms;
        document.dispatchEvent(new Event("visibilitychange"));
    };
    const ask = window.fetch;
    window.answers = async () => undefined;
    window.fetch = async (address, init) => (await answers(String(address))) ?? ask(address, init);
    window.json = (value, status = 200) => new Response(JSON.stringify(value), { status });
"#;

const IS_LOST: &str = "document.documentElement.hasAttribute('data-lost')";
const IS_NOW: &str =
    "!document.documentElement.hasAttribute('data-lost') && document.querySelector('.news')?.dataset.news === 'open'";

#[test]
fn nothing_old_looks_as_if_it_were_now() {
    let Some(browser) = Browser::start() else { return };
    let cameras = Cameras::start(vec![Mount::new("door", blinking(&[(1, true)], 10))]);
    let lookout = Lookout::start(Config::new().camera("door", &cameras.url("door")).text());
    browser.prepare(STAND_IN);
    browser.resize(1440, 900);
    browser.open(&format!("http://{}/", lookout.address()));
    browser.wait("somebody", "document.title.startsWith('1 person')");
    browser.wait("the news", IS_NOW);
    let streams = || browser.run("return streams.length").as_u64().expect("a number");
    let another = |before: u64| {
        browser.wait("another stream", &format!("streams.length > {before}"));
        browser.run("return streams.at(-1).url").as_str().expect("an address").to_owned()
    };

    // What is announced is new.
    browser.run("say(visit('old', ago(90_000))); say(visit('new', ago(2000)))");
    browser.wait("a toast", "document.querySelector('.toasts').textContent.includes('at new')");
    let told = browser.run("return document.querySelector('.toasts').textContent");
    assert!(!told.as_str().expect("text").contains("at old"), "{told}");

    // Half a minute out of sight: what can be seen of it is its title. Back, while nothing answers.
    browser.run("look(true, 30_000)");
    browser.wait("the end of its stream", "streams.at(-1).readyState === 2");
    assert_eq!(browser.run("return document.title"), "Cameras · Lookout", "nobody knows who is in view");
    lookout.signal("STOP");
    let before = streams();
    browser.run("look(false)");
    another(before);
    assert_eq!(browser.run(&format!("return {IS_LOST}")), true);
    assert_eq!(browser.run("return document.querySelector('.news').dataset.news"), "lost");
    lookout.signal("CONT");
    browser.wait("the news again", IS_NOW);
    browser.wait("who is in view", "document.title.startsWith('1 person')");

    // A device that sleeps stops the clock of its pages, and tells them nothing.
    browser.run("return fetch('api/v1/events?limit=1').then((a) => a.json()).then(([event]) => say(event, event.id))");
    let before = streams();
    lookout.signal("STOP");
    browser.run("window.dead = streams.at(-1); later += 60_000");
    let address = another(before);
    assert_eq!(browser.run(&format!("return {IS_LOST}")), true);
    assert_eq!(browser.run("return dead.readyState"), 2, "it is not kept");
    lookout.signal("CONT");
    assert!(address.contains("last_event_id="), "a minute is told: {address}");
    browser.wait("the news again", IS_NOW);

    // A whole night is not.
    let before = streams();
    browser.run("later += 8 * 3600_000");
    let address = another(before);
    assert!(!address.contains("last_event_id="), "{address}");
    browser.wait("the news again", IS_NOW);

    // Nothing answers, and no connection ends.
    browser.wait("who is in view", "document.title.startsWith('1 person')");
    lookout.signal("STOP");
    browser.wait("that it is lost", IS_LOST);
    assert_eq!(browser.run("return document.title"), "Cameras · Lookout");
    assert_eq!(browser.run("return document.querySelector('#summary > span').checkVisibility()"), false);
    browser.screenshot(&screenshots(), "lost-1440.png");
    lookout.signal("CONT");
    browser.wait("the news again", IS_NOW);
}

#[test]
fn what_was_not_answered_is_asked_again() {
    let Some(browser) = Browser::start() else { return };
    let cameras = Cameras::start(vec![Mount::new("door", dark()), Mount::new("yard", dark())]);
    let lookout = Lookout::start(Config::new().camera("door", &cameras.url("door")).text());
    let page = format!("http://{}/", lookout.address());
    browser.prepare(STAND_IN);
    browser.resize(1440, 900);
    browser.open(&format!("{page}#/visits"));
    browser.wait("the news", IS_NOW);
    browser.wait("the log", "document.querySelector('#visits-page [role=status]').textContent === 'Nobody came.'");
    let there = "[...document.querySelectorAll('#there-now .visit')].map((row) => row.dataset.visit).join(' ')";

    // While it is asked who is there, one leaves and another comes.
    browser.run(
        "const held = new Promise((release) => (window.release = release));
         answers = async (address) => {
             if (!address.includes('api/v1/events?')) return undefined;
             if (address.includes('started')) return json([visit('stays', ago(8000)), visit('leaves', ago(9000))]);
             window.asked = (window.asked ?? 0) + 1;
             await held;
             return json([]);
         };
         say({ type: 'lookout.gap' });",
    );
    browser.wait("both questions for ends", "window.asked === 2");
    browser.run("say(visit('leaves', ago(9000), ago(10))); say(visit('comes', ago(5))); release()");
    browser.wait("the answer", &format!("{there}.includes('stays')"));
    assert_eq!(browser.run(&format!("return {there}")), "comes stays");
    browser.wait("who left, in the log", "!!document.querySelector('#visits [data-visit=leaves]')");

    // After a night that was not heard it is asked anew. Where that fails, nobody is said to be gone.
    browser.run(
        "answers = async (address) => address.includes('started') ? json({ detail: 'not today' }, 503) : undefined;
         later += 8 * 3600_000;",
    );
    let problem = "document.querySelector('#there-unknown').textContent";
    browser.wait("the problem", &format!("{problem}.includes('not today')"));
    assert_eq!(browser.run(&format!("return {there}")), "comes stays");
    browser.run("answers = async () => undefined");
    browser.wait("that nobody is there", &format!("{there} === '' && {problem} === ''"));

    // A camera that is removed and added again.
    let yard = json!({ "id": "yard", "url": cameras.url("yard"), "every": "200ms" }).to_string();
    let kind = [("content-type", "application/json")];
    let order = |method, path, body: &str| {
        send(lookout.address(), method, path, &kind, body.as_bytes()).expect("an answer").status
    };
    assert_eq!(order("POST", "/api/v1/cameras", &yard), 201);
    browser.open(&format!("{page}#/cameras/yard"));
    let streams = "document.querySelector('#camera-page')?.dataset.state === 'streaming'";
    browser.wait("its page", streams);
    let heading = |text| format!("document.querySelector('#camera-page h1')?.textContent === '{text}'");
    assert!(order("DELETE", "/api/v1/cameras/yard", "") < 300);
    browser.wait("that it is gone", &heading("No such camera"));
    assert_eq!(order("POST", "/api/v1/cameras", &yard), 201);
    browser.wait("its page again", &format!("{streams} && {}", heading("yard")));
}
