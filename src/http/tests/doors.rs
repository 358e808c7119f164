//! Who may ask what, over real sockets.

use serde_json::json;
use tokio::time::timeout;

use super::{
    super::{headers::HEADERS, routes::ADDRESSES},
    listener::Listener,
    *,
};
use crate::{
    access::{Needs, hash_of},
    settings::User,
};

const SESSION: &str = "/api/v1/session";
const VIEWER: (&str, &str) = ("authorization", "Bearer a-viewers-token-0");
const ADMIN: (&str, &str) = ("authorization", "Bearer an-admins-token-0");
const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");
const FOREIGN_PAGE: (&str, &str) = ("sec-fetch-site", "cross-site");

fn known() -> Auth {
    let token = |name: &str, role, shown: (&str, &str)| {
        let text = shown.1.strip_prefix("Bearer ").expect("a token");
        Token { name: name.into(), role, token: Secret::new(text) }
    };
    let tokens = vec![token("eye", Role::Viewer, VIEWER), token("hand", Role::Admin, ADMIN)];
    let password_hash = Secret::new(hash_of(&Secret::new("correct horse")).expect("a hash"));
    Auth::Known { tokens, users: vec![User { name: "ann".into(), role: Role::Admin, password_hash }] }
}

fn closed() -> House {
    House::with(StreamTerms::default(), known())
}

impl House {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(self.address, method, path, headers).await
    }

    async fn log_in(&self, name: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
        let typed = json!({ "name": name, "password": password }).to_string();
        send(self.address, "POST", SESSION, headers, &typed).await
    }
}

/// As a browser would send it back.
fn cookie(answer: &Answer) -> String {
    let line = answer
        .raw
        .lines()
        .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")));
    let (_, cookie) = line.unwrap_or_else(|| panic!("no cookie: {}", answer.raw));
    cookie.split(';').next().unwrap_or_default().to_owned()
}

#[actix::test]
async fn every_address_lets_in_whom_its_line_says_and_nobody_else() {
    let house = closed();
    for (n, address) in ADDRESSES.iter().enumerate() {
        let path = address.path.replace("{id}", &EventId::fresh().to_string());
        // Each from elsewhere, as failures are counted.
        let from = format!("192.0.2.{n}");
        let ask = async |shown: &[(&str, &str)]| {
            let headers: Vec<_> = shown.iter().copied().chain([("x-forwarded-for", &*from)]).collect();
            house.ask(address.method, &path, &headers).await.status
        };
        let what = format!("{} {path}", address.method);
        if let Needs::Role(needed) = address.needs {
            assert_eq!(ask(&[]).await, 401, "{what}");
            assert_eq!(ask(&[("authorization", "Bearer of-somebody-else")]).await, 401, "{what}");
            assert_eq!(ask(&[("cookie", "lookout_session=of-somebody-else"), OWN_PAGE]).await, 401, "{what}");
            if needed == Role::Admin {
                assert_eq!(ask(&[VIEWER]).await, 403, "{what}");
            }
        }
        if path.ends_with("/stream") || path == "/" {
            continue; // the one would not end, the other tells programs and people different things
        }
        let enough = match address.needs {
            Needs::Nothing => &[][..],
            Needs::Role(Role::Viewer) => &[VIEWER][..],
            Needs::Role(Role::Admin) => &[ADMIN][..],
        };
        for shown in [enough, &[ADMIN][..]] {
            let status = ask(shown).await;
            assert!(![401, 403, 421, 429].contains(&status), "{what} {shown:?}: {status}");
        }
    }
    assert_eq!(house.ask("GET", "/api/v1/nothing", &[]).await.status, 401, "not even that there is nothing");
    assert_eq!(house.ask("GET", "/api/v1/nothing", &[VIEWER]).await.status, 404);
}

#[actix::test]
async fn only_what_looks_may_be_done_by_who_looks() {
    let changes = ADDRESSES.iter().filter(|address| address.needs != Needs::Nothing && address.method != "GET");
    for address in changes {
        assert_eq!(address.needs, Needs::Role(Role::Admin), "{} {}", address.method, address.path);
    }
    let open: Vec<String> = ADDRESSES
        .iter()
        .filter(|address| address.needs == Needs::Nothing)
        .map(|address| format!("{} {}", address.method, address.path))
        .collect();
    let expected = [
        "GET /healthz",
        "GET /readyz",
        "GET /",
        "GET /assets/{file}",
        "POST /api/v1/session",
        "DELETE /api/v1/session",
    ];
    assert_eq!(open, expected);
}

#[test]
fn nothing_answers_that_is_not_in_the_list() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let (mut folders, mut wrong) = (vec![root], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("readable").path()) {
            if entry.is_dir() && !entry.ends_with("tests") {
                folders.push(entry);
            } else if entry.is_file() && !entry.ends_with("routes/mod.rs") {
                let text = std::fs::read_to_string(&entry).expect("UTF-8");
                let makes = [".route(", ".service(", "web::resource(", "web::scope(", "default_service("];
                wrong
                    .extend(makes.iter().filter(|make| text.contains(**make)).map(|make| format!("{entry:?}: {make}")));
            }
        }
    }
    assert!(wrong.is_empty(), "routes are made of ADDRESSES alone: {wrong:?}");
}

#[actix::test]
async fn a_method_that_an_address_does_not_know_is_told_which_it_knows() {
    let house = House::open();
    let wrong = house.ask("DELETE", "/api/v1/status", &[]).await;
    assert!(wrong.head.contains("\r\nallow: get"), "{}", wrong.head);
    assert_eq!(wrong.problem(405), "DELETE is not answered here, but GET");
    assert_eq!(house.ask("GET", "/api/v1/nothing", &[]).await.status, 404);
    // An address that looks like another's: this is the camera that is called so.
    assert!(house.ask("GET", "/api/v1/cameras/stop", &[]).await.problem(404).contains("no camera is called"));
    let closed = closed();
    assert_eq!(closed.ask("DELETE", "/api/v1/status", &[]).await.status, 401, "nobody learns what there is");
    assert_eq!(closed.ask("PUT", "/healthz", &[]).await.status, 401);
}

#[actix::test]
async fn whoever_asks_during_the_start_waits_until_the_cameras_are_known() {
    let house = House::open();
    house.begun.send_replace(false);
    let mut asked = std::pin::pin!(house.get("/api/v1/cameras/door"));
    let probe = house.get("/healthz");
    tokio::select! {
        biased;
        answer = &mut asked => panic!("it was answered {}", answer.status),
        alive = probe => assert_eq!(alive.status, 200, "machines are answered"),
    }
    house.watch("door");
    house.begun.send_replace(true);
    assert_eq!(asked.await.status, 200);
}

#[actix::test]
async fn players_are_asked_who_they_are_however_they_write_the_address() {
    let house = closed();
    let asks = |answer: &Answer| answer.head.contains("basic realm=");
    for path in ["/live/door.flv", "/%6cive/door.flv"] {
        assert!(asks(&house.ask("GET", path, &[]).await), "{path}");
    }
    for path in ["/live/a/b", "/api/v1/status"] {
        assert!(!asks(&house.ask("GET", path, &[]).await), "{path}");
    }
}

#[actix::test]
async fn one_token_does_not_take_every_stream() {
    let house = closed();
    let stream = |who: (&'static str, &'static str)| Listener::connect_as(house.address, "/api/v1/events/stream", who);
    let mut open = Vec::new();
    for _ in 0..32 {
        open.push(stream(VIEWER).await);
    }
    let refused = house.ask("GET", "/api/v1/events/stream", &[VIEWER]).await.problem(503);
    assert!(refused.starts_with("32 streams of events are open for you"), "{refused}");
    open.push(stream(ADMIN).await);
}

#[actix::test]
async fn no_way_of_writing_an_address_leads_past_its_gate() {
    let house = closed();
    for path in ["/api/v1/%72eload", "/%61pi/v1/reload", "/api/v1/reload?", "/api/v1/reload?x=1"] {
        assert_eq!(house.ask("POST", path, &[VIEWER]).await.status, 403, "{path}");
        assert_eq!(house.ask("POST", path, &[]).await.status, 401, "{path}");
    }
    for path in ["//api/v1/reload", "/api/v1/reload/", "/api//v1/reload", "/healthz/../api/v1/reload", "/API/v1/reload"]
    {
        assert_eq!(house.ask("POST", path, &[VIEWER]).await.status, 404, "{path}");
        assert_eq!(house.ask("POST", path, &[]).await.status, 401, "{path}");
    }
}

#[actix::test]
async fn who_logs_in_gets_a_cookie_that_only_our_own_pages_use() {
    let house = closed();
    assert_eq!(house.ask("GET", SESSION, &[]).await.status, 401);
    let admitted = house.log_in("ann", "correct horse", &[OWN_PAGE]).await;
    assert_eq!(admitted.json(), json!({ "name": "ann", "role": "admin", "authentication": "session" }));
    let flags = "; path=/; max-age=604800; httponly; samesite=strict\r\n";
    assert!((admitted.head.clone() + "\r\n").contains(flags), "{}", admitted.head);
    let cookie = cookie(&admitted);
    assert!(cookie.starts_with("lookout_session=") && cookie.len() > 50, "{cookie}");
    let shown = ("cookie", &*cookie);

    assert_eq!(house.ask("GET", SESSION, &[shown]).await.json(), admitted.json());
    assert_eq!(house.ask("GET", "/api/v1/status", &[shown]).await.status, 200);
    // Let in, it finds nothing to reload here. A browser over plain HTTP says `Origin` alone.
    for own in [OWN_PAGE, ("origin", "http://localhost")] {
        assert_eq!(house.ask("POST", "/api/v1/reload", &[shown, own]).await.status, 422, "{own:?}");
    }
    for foreign in [FOREIGN_PAGE, ("origin", "http://localhost:3000"), ("origin", "null"), ("x-nothing", "said")] {
        let told = house.ask("POST", "/api/v1/reload", &[shown, foreign]).await.problem(403);
        assert!(told.contains("server.hosts"), "{told}");
    }

    assert_eq!(house.ask("DELETE", SESSION, &[shown, FOREIGN_PAGE]).await.status, 403, "nobody else ends it");
    let ended = house.ask("DELETE", SESSION, &[shown, OWN_PAGE]).await;
    assert_eq!(ended.status, 204);
    assert!(ended.head.contains("set-cookie: lookout_session=; path=/; max-age=0; httponly"), "{}", ended.head);
    assert_eq!(house.ask("GET", SESSION, &[shown]).await.status, 401);
}

#[actix::test]
async fn players_are_asked_for_a_password_and_pages_are_not() {
    let house = closed();
    let challenges =
        |answer: &Answer| answer.head.lines().filter(|line| line.starts_with("www-authenticate: ")).count();
    assert_eq!(challenges(&house.ask("GET", "/live/door.flv", &[]).await), 2);
    for (path, header) in
        [("/live/door.flv", ("x-lookout-page", "live")), ("/live/door.flv", OWN_PAGE), ("/metrics", FOREIGN_PAGE)]
    {
        let refused = house.ask("GET", path, &[header]).await;
        assert!(refused.status == 401 && challenges(&refused) == 1, "{}", refused.head);
    }
    assert_eq!(challenges(&house.ask("GET", "/api/v1/status", &[]).await), 1);
}

#[actix::test]
async fn what_lasts_ends_when_its_viewer_logs_out() {
    let house = closed();
    let admitted = cookie(&house.log_in("ann", "correct horse", &[OWN_PAGE]).await);
    let stream = "GET /api/v1/events/stream HTTP/1.1";
    let (mut listening, head) = begin(house.address, stream, &[("cookie", &admitted)]).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (mut elsewhere, head) = begin(house.address, stream, &[VIEWER]).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(house.ask("DELETE", SESSION, &[("cookie", &admitted), OWN_PAGE]).await.status, 204);
    // Orderly: the last chunk, and the connection is free for another question.
    let mut rest = Vec::new();
    while !rest.ends_with(b"0\r\n\r\n") {
        let read = timeout(PATIENCE, listening.read_buf(&mut rest)).await.expect("it ends").expect("readable");
        assert_ne!(read, 0, "cut: {}", String::from_utf8_lossy(&rest));
    }
    house.record(&["door"]).await;
    let mut told = Vec::new();
    while !told.windows(4).any(|w| w == b"door") {
        let read = timeout(PATIENCE, elsewhere.read_buf(&mut told)).await.expect("it is told").expect("readable");
        assert_ne!(read, 0, "a token's stream has ended");
    }
}

#[actix::test]
async fn by_https_the_cookie_is_for_https_alone() {
    let house = closed();
    let said = [("x-forwarded-proto", "https"), OWN_PAGE];
    let admitted = house.log_in("ann", "correct horse", &said).await;
    assert!(admitted.head.contains("samesite=strict; secure"), "{}", admitted.head);
}

#[actix::test]
async fn who_does_not_know_the_password_learns_nothing_and_is_stopped() {
    let house = closed();
    for typed in
        ["", "{}", "[]", "{\"name\": \"ann\"}", "{\"name\": \"ann\", \"password\": 7531}", "name=ann&password=hunter2"]
    {
        let told = send(house.address, "POST", SESSION, &[], typed).await.problem(400);
        assert_eq!(told, "send {\"name\": \"...\", \"password\": \"...\"} as JSON", "{typed}");
    }
    assert_eq!(house.log_in("ann", "correct horse", &[FOREIGN_PAGE]).await.status, 403);

    for name in ["ann", "nobody"].iter().cycle().take(10) {
        assert_eq!(house.log_in(name, "wrong horse", &[]).await.problem(401), "name and password do not fit");
    }
    let stopped = house.log_in("ann", "correct horse", &[]).await;
    assert!(stopped.problem(429).contains("wait a little"));
    let wait = stopped.head.lines().find_map(|line| line.strip_prefix("retry-after: ")?.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (1..=61).contains(&wait)), "{}", stopped.head);
    assert_eq!(house.ask("GET", SESSION, &[VIEWER]).await.json()["name"], "eye", "a right token is never stopped");
    let from_elsewhere = house.log_in("ann", "correct horse", &[("x-forwarded-for", "192.0.2.7")]).await;
    assert_eq!(from_elsewhere.status, 200, "nor is somebody else");
    assert_eq!(house.ask("GET", SESSION, &[("authorization", "Bearer a-guess")]).await.status, 401);
    let metrics = house.ask("GET", "/metrics", &[VIEWER]).await.body;
    let metrics = String::from_utf8_lossy(&metrics);
    for (tried, failures) in [("password", 11), ("token", 1)] {
        let line = format!("lookout_access_failures_total{{tried=\"{tried}\"}} {failures}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

#[actix::test]
async fn where_nobody_needs_to_say_who_they_are_it_is_said_and_nobody_can_log_in() {
    let house = House::open();
    let anybody = json!({ "name": null, "role": "admin", "authentication": "none" });
    assert_eq!(house.get(SESSION).await.json(), anybody);
    assert!(house.log_in("ann", "correct horse", &[]).await.problem(404).contains("[[server.users]]"));
    assert_eq!(house.post("/api/v1/reload").await.status, 422, "a program on this machine");
    assert_eq!(house.ask("POST", "/api/v1/reload", &[FOREIGN_PAGE]).await.status, 403, "a page of somebody else's");
}

#[actix::test]
async fn pages_of_allowed_sites_may_ask_and_others_may_not() {
    let house = House::open();
    let front = ("origin", "https://front.example");
    let site = ("sec-fetch-site", "cross-site");
    let asked = house.ask("OPTIONS", "/api/v1/reload", &[front, ("access-control-request-method", "POST")]).await;
    assert!(asked.head.contains("access-control-allow-origin: https://front.example"), "{}", asked.head);
    assert_eq!(house.ask("POST", "/api/v1/reload", &[front, site]).await.status, 422, "it is let in");
    let evil = ("origin", "https://evil.example");
    let asked = house.ask("OPTIONS", "/api/v1/reload", &[evil, ("access-control-request-method", "POST")]).await;
    assert!(!asked.head.contains("access-control-allow-origin"), "{}", asked.head);
    assert_eq!(house.ask("POST", "/api/v1/reload", &[evil, site]).await.status, 403);
}

#[actix::test]
async fn a_name_that_others_lead_here_is_told_which_setting_helps() {
    let house = House::open();
    for path in ["/", "/metrics", "/api/v1/status", "/api/v1/cameras/door/frame.jpg", "/nothing"] {
        let told = house.ask("GET", path, &[("host", "evil.example:8080")]).await.problem(421);
        assert!(told.contains("server.hosts"), "{told}");
    }
    for host in ["127.0.0.1:8080", "[::1]:8080", "localhost", "lookout.lan:443"] {
        assert_eq!(house.ask("GET", "/api/v1/status", &[("host", host)]).await.status, 200, "{host}");
    }
    let with_people = closed();
    assert_eq!(with_people.ask("GET", "/api/v1/status", &[("host", "any.example"), VIEWER]).await.status, 200);
}

#[actix::test]
async fn every_answer_tells_browsers_what_they_may() {
    let house = closed();
    let mut heads = Vec::new();
    for (method, path, headers) in [
        ("GET", "/healthz", &[][..]),
        ("GET", "/api/v1/status", &[VIEWER][..]),
        ("GET", "/api/v1/status", &[][..]),
        ("POST", "/api/v1/reload", &[VIEWER][..]),
        ("GET", "/nothing", &[VIEWER][..]),
        ("GET", "/api/v1/events?nothing=1", &[VIEWER][..]),
        ("DELETE", SESSION, &[][..]),
    ] {
        heads.push((path, house.ask(method, path, headers).await.head));
    }
    let open = House::open();
    heads.push(("a stream", Listener::connect(open.address, "/api/v1/events/stream", "").await.head));
    heads.push(("rebound", open.ask("GET", "/", &[("host", "evil.example")]).await.head));
    for (what, head) in heads {
        for (name, value) in HEADERS {
            let line = format!("\r\n{name}: {value}\r\n").to_ascii_lowercase();
            assert!(format!("{head}\r\n").contains(&line), "{what} lacks {name}: {head}");
            assert_eq!(head.matches(&format!("\r\n{name}: ")).count(), 1, "{what}: {name} twice: {head}");
        }
    }
    let policy = HEADERS[0].1;
    assert!(!policy.contains("unsafe") && policy.starts_with("default-src 'self';"), "{policy}");
}
