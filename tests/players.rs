//! A page of another site, as they are written for such services: it asks for a camera by form, gets an address for it and
//! plays that with flv.js or mpegts.js, in a real browser.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use lookout::simulate::{Clip, Mount};

use crate::{
    support::{Cameras, Config, Lookout, browser::Browser},
    testing::left_out,
};

/// The players' scripts, and what each calls itself.
const PLAYERS: [(&str, &str, &str); 2] =
    [("flv.js", "package/dist/flv.min.js", "flvjs"), ("mpegts.js", "package/dist/mpegts.js", "mpegts")];

/// Where the players are; `None`, said aloud, where they are not.
fn players() -> Option<PathBuf> {
    let folder = env::var_os("LOOKOUT_PLAYERS").map(PathBuf::from).filter(|folder| {
        PLAYERS.iter().all(|(name, script, _)| folder.join(name).join(script).is_file()) // as npm packs them
    });
    if folder.is_none() {
        left_out("flv.js and mpegts.js are missing ($LOOKOUT_PLAYERS)");
    }
    folder
}

/// Another site: a page with a film in it, and the players. It lasts as long as the tests do.
fn site(players: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || listener.incoming().flatten().for_each(|connection| answer(&connection, &players)));
    address
}

fn answer(mut connection: &TcpStream, players: &Path) {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let script = PLAYERS.iter().find(|(name, ..)| path.strip_prefix('/') == Some(name));
    let (kind, body) = match script {
        Some((name, script, _)) => ("text/javascript", fs::read(players.join(name).join(script)).expect("it is there")),
        None if path == "/" => {
            let scripts: String = PLAYERS.iter().map(|(name, ..)| format!("<script src=/{name}></script>")).collect();
            ("text/html", format!("<!doctype html><video id=film muted></video>{scripts}").into_bytes())
        }
        None => ("text/plain", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body)); // the browser may hang up
}

#[test]
fn pages_written_for_such_services_play_cameras_unchanged() {
    let Some(players) = players() else { return };
    let Some(browser) = Browser::start() else { return };
    let clip = Clip::embedded().expect("the clip that the program carries");
    let width = clip.width;
    let cameras = Cameras::start(vec![Mount::new("yard", clip.into())]);
    let other = site(players);
    let server = format!("[server]\ncors = [\"http://{other}\"]\n");
    let lookout = Lookout::start(Config::new().replace("[server]\n", &server).text());
    let there = lookout.address();
    for (n, (player, _, name)) in PLAYERS.into_iter().enumerate() {
        browser.open(&format!("http://{other}/"));
        browser.wait(player, &format!("!!window.{name}?.isSupported()"));
        browser.run(&format!(
            "const form = new FormData(); form.append('id', '{n}'); form.append('ip', '{}');
             fetch('http://{there}/play_camera', {{ method: 'POST', body: form }})
               .then((answer) => answer.json()).then((told) => (window.told = told));",
            cameras.url("yard")
        ));
        let address = browser.wait("an address", "window.told?.flv_data");
        assert_eq!(address, format!("http://{there}/live/{n}.flv"));
        browser.run(&format!(
            "const player = {name}.createPlayer({{ type: 'flv', isLive: true, url: window.told.flv_data }});
             player.on('error', (...what) => console.error(JSON.stringify(what)));
             player.attachMediaElement(film); player.load(); player.play();"
        ));
        let shown = "film.currentTime > 2 && film.getVideoPlaybackQuality().totalVideoFrames > 10 && film.videoWidth";
        assert_eq!(browser.wait("a film that goes on", shown), width, "{player}");
    }
    let complaints = browser.complaints();
    let complaints: Vec<_> = complaints.iter().filter(|line| !line.contains("favicon")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");

    // From any other site, the same is refused.
    let stranger = site(PathBuf::new());
    browser.open(&format!("http://{stranger}/"));
    browser.run(&format!(
        "fetch('http://{there}/stop_all_camera', {{ method: 'POST' }}).then(() => (window.told = 'heard'), () => (window.told = 'refused'));"
    ));
    assert_eq!(browser.wait("an answer", "window.told"), "refused");
    for n in 0..PLAYERS.len() {
        lookout.wait_for_state(&n.to_string(), "streaming");
    }
}
