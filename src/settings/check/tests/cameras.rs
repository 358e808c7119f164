//! `[[cameras]]` and what is below them.

use super::*;

#[test]
fn what_is_right_passes() {
    all_pass([
        camera("every = \"50ms\"\nconnect_timeout = \"1s\"\nstall_timeout = \"5m\"\nkey_frame_timeout = \"5m\""),
        camera("every = \"1h\"\ntransport = \"udp\"\nmax_retries = 4294967295\nenabled = false\nname = \"Tür\""),
        camera("username = \"a\""),
        camera("username = \"a\"\npassword = \"\""),
        camera("username = \"a\"\npassword_file = \"secrets/yard\""),
        camera_url("rtsp://a:b@10.0.0.7/x", "username = \"a\"\npassword = \"b\""),
        camera_url("rtsp://a@10.0.0.7/x", "password = \"b\""),
        camera("visits = { hits = 1 }"),
        zone("[[0, 0], [1, 0], [1.0, 1.0]]"),
    ]);
}

#[test]
fn what_is_wrong_is_named() {
    let two_zones = "[[cameras.zones]]\nname = \"z\"\npolygon = [[0,0],[1,0],[1,1]]\n".repeat(2);
    let two_cameras = camera("[[cameras]]\nid = \"door\"\nurl = \"rtsp://h/\"\nenabled = false");
    let with_camera = |text| with("", "", "", "", text, "");
    each_is_named([
        (camera("visits = { cooldown = \"25h\" }"), "cameras[0].visits.cooldown: ", "0s to 1d"),
        (camera("visits = { stationery = \"1m\" }"), "cameras[0].visits.stationery: ", "did you mean \"stationary\"?"),
        (with_camera("url = \"rtsp://h/\""), "cameras[0].id: ", "missing"),
        (with_camera("id = \"a b\"\nurl = \"rtsp://h/\""), "cameras[0].id: ", "letters, digits"),
        (with_camera("id = \"a\""), "cameras[0].url: ", "missing"),
        (two_cameras, "cameras[1].id: ", "is also cameras[0].id"),
        (camera("name = \"\""), "cameras[0].name: ", "empty"),
        (camera_url("rtsps://h/", ""), "cameras[0].url: ", "rtsps (RTSP over TLS) is not supported"),
        (camera_url("http://h/", ""), "cameras[0].url: ", "only rtsp"),
        (camera_url("rtsp:///x", ""), "cameras[0].url: ", "no host"),
        (camera_url("rtsp://a:b@h/", "username = \"c\""), "cameras[0].username: ", "the URL says another"),
        (camera_url("rtsp://a:b@h/", "password = \"c\""), "cameras[0].password: ", "the URL says another"),
        (camera("password = \"c\""), "cameras[0].username: ", "missing"),
        (camera("password = 123456"), "cameras[0].password: ", "in quotes"),
        (camera("username = \"a\"\npassword_file = \"no\""), "cameras[0].password_file: ", "FOLDER/no"),
        (
            camera("username = \"a\"\npassword = \"b\"\npassword_file = \"secrets/yard\""),
            "cameras[0].password_file: ",
            "one of the two",
        ),
        (camera("transport = \"sctp\""), "cameras[0].transport: ", "\"tcp\" or \"udp\""),
        (camera("every = 4"), "cameras[0].every: ", "\"4s\""),
        (camera("every = \"49ms\""), "cameras[0].every: ", "50ms to 1h"),
        (camera("connect_timeout = \"6m\""), "cameras[0].connect_timeout: ", "1s to 5m"),
        (camera("stall_timeout = \"0s\""), "cameras[0].stall_timeout: ", "1s to 5m"),
        (camera("key_frame_timeout = \"6m\""), "cameras[0].key_frame_timeout: ", "1s to 5m"),
        (camera("max_retries = 4294967296"), "cameras[0].max_retries: ", "0 means for ever"),
        (camera("enabled = \"yes\""), "cameras[0].enabled: ", "true or false"),
        (camera("visits = { hits = 4 }"), "cameras[0].visits.hits: ", "4 of the last 3"),
        (camera("visits = { hit = 4 }"), "cameras[0].visits.hit: ", "did you mean \"hits\"?"),
        (camera(&two_zones), "cameras[0].zones[1].name: ", "unique"),
        (camera("[[cameras.zones]]\npolygon = [[0,0],[1,0],[1,1]]"), "cameras[0].zones[0].name: ", "missing"),
        (camera("[[cameras.zones]]\nname = \"z\""), "cameras[0].zones[0].polygon: ", "missing"),
        (zone("[[0, 0], [1, 0]]"), "cameras[0].zones[0].polygon: ", "2 corners"),
        (zone("[[0, 0], [1, 0], [640, 480]]"), "cameras[0].zones[0].polygon[2]: ", "not pixels"),
        (zone("[[0, 0], [1, 0], [1, nan]]"), "cameras[0].zones[0].polygon[2]: ", "0 to 1"),
        (zone("[[0, 0], [0.5, 0.5], [1, 1]]"), "cameras[0].zones[0].polygon: ", "one line"),
        (zone("[[0, 0], [1, 0], [1, 1, 1]]"), "cameras[0].zones[0].polygon[2]: ", "a point [x, y]"),
        (zone("[[0, 0], [1, 0], [1]]"), "cameras[0].zones[0].polygon[2]: ", "a point [x, y]"),
    ]);
}

#[test]
fn a_camera_has_the_common_visit_rules_but_for_its_own() {
    let text = format!(
        "{}\n[[cameras]]\nid = \"b\"\nurl = \"rtsp://h/\"\nvisits = {{ quiet = \"1m\", stationary = \"0s\" }}",
        visits("hits = 3\nwindow = 4\nquiet = \"20s\"\ncooldown = \"30s\"")
    );
    let settings = load(&text).expect("fine");
    let rules = |n: usize| {
        let rules = &settings.cameras[n].visits;
        (rules.hits, rules.quiet.as_secs(), rules.cooldown.as_secs(), rules.stationary.as_secs())
    };
    assert_eq!(rules(0), (3, 20, 30, 120));
    assert_eq!(rules(1), (3, 60, 30, 0));
}
