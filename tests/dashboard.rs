//! The dashboard in a real browser, in front of the real program and simulated cameras.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use lookout::simulate::{Clip, Mount};

use crate::support::{
    Cameras, Config, Lookout, Receiver,
    browser::Browser,
    cameras::{blinking, dark},
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
    assert_eq!(size, serde_json::json!([width, height]));
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
    // What is asked of a camera that is away is answered 503, which the browser notes; anything else is a fault.
    let complaints = browser.complaints();
    let faults: Vec<_> = complaints.iter().filter(|line| !line.contains("503") && !line.contains("401")).collect();
    assert!(faults.is_empty(), "{faults:?}");
}
