use futures::FutureExt;

use super::*;
use crate::{
    access::hash_of,
    settings::{Token, User},
};

const VIEWER: &str = "Bearer token-of-a-viewer";
const ADMIN: &str = "Bearer token-of-an-admin";

/// A request of a program on this machine that says nothing of itself.
fn asking() -> Asking<'static> {
    Asking {
        peer: [127, 0, 0, 1].into(),
        changes: false,
        host: Some("localhost:8080"),
        authorization: None,
        cookie: None,
        origin: None,
        fetch_site: None,
        forwarded_for: None,
        forwarded_proto: None,
    }
}

fn with_token(authorization: &str) -> Asking<'_> {
    Asking { authorization: Some(authorization), ..asking() }
}

fn with_cookie(cookie: &str) -> Asking<'_> {
    Asking { cookie: Some(cookie), ..asking() }
}

fn gate(auth: Auth) -> Gate {
    let bind = ([127, 0, 0, 1], 8080).into();
    let proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    Gate::new(&Server { bind, auth, hosts: vec!["lookout.lan".into()], proxies, cors: Vec::new() }, Arc::default())
}

fn open() -> Gate {
    gate(Auth::Open)
}

fn closed() -> Gate {
    let token = |name: &str, role, text: &str| Token { name: name.into(), role, token: Secret::new(text) };
    let tokens = vec![token("eye", Role::Viewer, "token-of-a-viewer"), token("hand", Role::Admin, "token-of-an-admin")];
    let password_hash = Secret::new(hash_of(&Secret::new("correct horse")).expect("a hash"));
    let users = vec![User { name: "ann".into(), role: Role::Admin, password_hash }];
    gate(Auth::Known { tokens, users })
}

fn let_in(gate: &Gate, needs: Needs, asking: &Asking<'_>) -> Result<Option<Role>, Refusal> {
    gate.let_in(needs, asking, Moment::now()).map(|caller| caller.map(|caller| caller.role))
}

fn log_in(gate: &Gate, asking: &Asking<'_>, password: &str, now: Moment) -> Result<Admitted, Refusal> {
    let login = gate.begin_login(asking, now)?;
    let verified = gate.passwords().verify("ann", &Secret::new(password));
    gate.admit(login, verified, asking, now)
}

const LOOK: Needs = Needs::Role(Role::Viewer);
const CHANGE: Needs = Needs::Role(Role::Admin);

#[test]
fn a_token_in_the_place_of_a_password_lets_players_look_and_changes_nothing() {
    let gate = closed();
    // vlc:token-of-an-admin
    let shown = with_token("Basic dmxjOnRva2VuLW9mLWFuLWFkbWlu");
    assert_eq!(let_in(&gate, LOOK, &shown), Ok(Some(Role::Admin)));
    assert!(gate.over(LOOK, &shown, Moment::now()).now_or_never().is_none(), "it lasts");
    let change = Asking { changes: true, fetch_site: Some("same-origin"), ..shown };
    assert_eq!(let_in(&gate, CHANGE, &change), Err(Refusal::Unknown));
    for wrong in ["Basic dmxjOm5vYm9keXM=", "Basic vlc", "Basic "] {
        assert_eq!(let_in(&gate, LOOK, &with_token(wrong)), Err(Refusal::Unknown), "{wrong}");
        assert!(gate.over(LOOK, &with_token(wrong), Moment::now()).now_or_never().is_some(), "{wrong}");
    }
}

#[test]
fn each_may_what_their_role_says() {
    let gate = closed();
    assert_eq!(let_in(&gate, Needs::Nothing, &asking()), Ok(None));
    assert_eq!(let_in(&gate, LOOK, &asking()), Err(Refusal::Unknown));
    assert_eq!(let_in(&gate, LOOK, &with_token(VIEWER)), Ok(Some(Role::Viewer)));
    assert_eq!(let_in(&gate, LOOK, &with_token(ADMIN)), Ok(Some(Role::Admin)));
    assert_eq!(let_in(&gate, CHANGE, &with_token(ADMIN)), Ok(Some(Role::Admin)));
    let refused = let_in(&gate, CHANGE, &with_token(VIEWER)).expect_err("it may only look");
    assert!(matches!(refused, Refusal::Role { needs: Role::Admin, caller } if caller.name.as_deref() == Some("eye")));
    assert_eq!(let_in(&gate, LOOK, &with_token("Bearer another")), Err(Refusal::Unknown));
    // What a proxy may pass on is no attempt of ours.
    assert_eq!(let_in(&gate, LOOK, &with_token("Basic YTpi")), Err(Refusal::Unknown));
    assert_eq!(let_in(&open(), CHANGE, &asking()), Ok(Some(Role::Admin)));
}

#[test]
fn who_logs_in_is_known_by_the_cookie_until_they_log_out() {
    let (gate, now) = (closed(), Moment::now());
    assert!(matches!(log_in(&gate, &asking(), "wrong horse", now), Err(Refusal::Password)));
    let Ok(Admitted { caller, id }) = log_in(&gate, &asking(), "correct horse", now) else { panic!("it is right") };
    assert_eq!((caller.name.as_deref(), caller.role), (Some("ann"), Role::Admin));
    let cookie = format!("theme=dark; lookout_session=of-somebody-else; lookout_session={}", id.expose());
    assert_eq!(gate.let_in(CHANGE, &with_cookie(&cookie), now), Ok(Some(caller)));
    for wrong in ["lookout_session=", "lookout_sessions=x", "lookout_session", ""] {
        assert_eq!(let_in(&gate, LOOK, &with_cookie(wrong)), Err(Refusal::Unknown), "{wrong}");
    }
    let Ok(again) = log_in(&gate, &with_cookie(&cookie), "correct horse", now) else { panic!("it is right") };
    assert_eq!(let_in(&gate, LOOK, &with_cookie(&cookie)), Err(Refusal::Unknown), "a new one takes its place");
    let cookie = format!("lookout_session={}", again.id.expose());
    assert_eq!(let_in(&gate, LOOK, &with_cookie(&cookie)), Ok(Some(Role::Admin)));
    gate.log_out(&with_cookie(&cookie));
    assert_eq!(let_in(&gate, LOOK, &with_cookie(&cookie)), Err(Refusal::Unknown));
    assert!(matches!(log_in(&open(), &asking(), "correct horse", now), Err(Refusal::NoUsers)));
}

#[test]
fn who_was_logged_in_still_is_after_a_restart_with_the_role_of_today() {
    let hash = |password: &str| Secret::new(hash_of(&Secret::new(password)).expect("a hash"));
    let ann = User { name: "ann".into(), role: Role::Admin, password_hash: hash("correct horse") };
    let with = |user: User| gate(Auth::Known { tokens: Vec::new(), users: vec![user] });
    let (before, now) = (with(ann.clone()), Moment::now());
    let Ok(Admitted { id, .. }) = log_in(&before, &asking(), "correct horse", now) else { panic!("it is right") };
    let cookie = format!("lookout_session={}", id.expose());
    let written = serde_json::to_string(&before.kept_sessions(now)).expect("it can be written");
    assert!(!written.contains(id.expose()) && !written.contains("argon2id"), "{written}");
    for (user, may) in [
        (User { role: Role::Viewer, ..ann.clone() }, Ok(Some(Role::Viewer))),
        (User { password_hash: hash("correct horse"), ..ann.clone() }, Err(Refusal::Unknown)),
        (User { name: "bob".into(), ..ann }, Err(Refusal::Unknown)),
    ] {
        let after = with(user);
        after.restore(serde_json::from_str(&written).expect("it can be read"), now);
        assert_eq!(let_in(&after, LOOK, &with_cookie(&cookie)), may);
    }
}

#[test]
fn no_page_of_others_changes_anything() {
    let (gate, now) = (closed(), Moment::now());
    let Ok(admitted) = log_in(&gate, &asking(), "correct horse", now) else { panic!("it is right") };
    let cookie = format!("lookout_session={}", admitted.id.expose());
    let change = Asking { changes: true, ..with_cookie(&cookie) };
    let own = Asking { fetch_site: Some("same-origin"), ..change };
    let foreign = Asking { fetch_site: Some("cross-site"), ..change };
    assert_eq!(let_in(&gate, CHANGE, &own), Ok(Some(Role::Admin)));
    assert_eq!(let_in(&gate, CHANGE, &foreign), Err(Refusal::Page));
    assert_eq!(let_in(&gate, CHANGE, &change), Err(Refusal::Page), "a cookie, and nobody says whose page it is");
    assert_eq!(let_in(&gate, LOOK, &Asking { changes: false, ..foreign }), Ok(Some(Role::Admin)), "it cannot read it");
    // Nobody is logged in, or out, by another's page either.
    assert_eq!(let_in(&gate, Needs::Nothing, &Asking { cookie: None, ..foreign }), Err(Refusal::Page));
    // A program shows its token itself.
    let program = Asking { changes: true, ..with_token(ADMIN) };
    assert_eq!(let_in(&gate, CHANGE, &program), Ok(Some(Role::Admin)));
    // Where nobody needs to say who they are, a page of others could reach loopback, too.
    let gate = open();
    assert_eq!(let_in(&gate, CHANGE, &Asking { cookie: None, ..foreign }), Err(Refusal::Page));
    assert_eq!(let_in(&gate, CHANGE, &Asking { changes: true, ..asking() }), Ok(Some(Role::Admin)));
}

#[test]
fn no_name_of_others_leads_to_an_open_gate() {
    let rebound = Asking { host: Some("evil.example:8080"), ..asking() };
    assert_eq!(let_in(&open(), LOOK, &rebound), Err(Refusal::Host));
    assert_eq!(let_in(&open(), Needs::Nothing, &rebound), Ok(None), "it tells nothing");
    assert_eq!(let_in(&open(), LOOK, &Asking { host: Some("lookout.lan"), ..asking() }), Ok(Some(Role::Admin)));
    assert_eq!(let_in(&closed(), LOOK, &Asking { authorization: Some(VIEWER), ..rebound }), Ok(Some(Role::Viewer)));
}

#[test]
fn who_fails_too_often_waits_and_nobody_with_the_right_token_or_cookie_does() {
    let (gate, now) = (closed(), Moment::now());
    let Ok(admitted) = log_in(&gate, &asking(), "correct horse", now) else { panic!("it is right") };
    for _ in 0..10 {
        let login = gate.begin_login(&asking(), now).map_err(|_| ()).expect("not too many");
        assert!(matches!(gate.admit(login, None, &asking(), now), Err(Refusal::Password)));
        assert_eq!(gate.let_in(LOOK, &with_token("Bearer wrong"), now), Err(Refusal::Unknown));
    }
    let retry_after = Duration::from_secs(60);
    assert!(matches!(log_in(&gate, &asking(), "correct horse", now), Err(Refusal::TooMany { .. })), "not looked at");
    assert_eq!(gate.let_in(LOOK, &with_token("Bearer wrong"), now), Err(Refusal::TooMany { retry_after }));
    assert_eq!(let_in(&gate, LOOK, &with_token(VIEWER)), Ok(Some(Role::Viewer)));
    let cookie = format!("lookout_session={}", admitted.id.expose());
    assert_eq!(let_in(&gate, LOOK, &with_cookie(&cookie)), Ok(Some(Role::Admin)));
    // The proxy says for whom it asks.
    let other = Asking { forwarded_for: Some("192.0.2.7"), ..asking() };
    assert!(log_in(&gate, &other, "correct horse", now).is_ok());
    assert!(log_in(&gate, &asking(), "correct horse", now.after(retry_after)).is_ok(), "a minute later");
}

#[test]
fn what_was_not_looked_at_or_was_right_counts_as_no_failure() {
    let (gate, now) = (closed(), Moment::now());
    for _ in 0..30 {
        let login = gate.begin_login(&asking(), now).map_err(|_| ()).expect("no failure");
        gate.withdraw(login);
    }
    for _ in 0..12 {
        assert!(log_in(&gate, &asking(), "correct horse", now).is_ok());
    }
}
