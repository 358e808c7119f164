//! `[server]`: who may ask.

use super::*;
use crate::words::Role;

/// Of the password "hunter2hunter2", made with the least work.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$pn5M9XmnYGw6oK6mbnRA2gT7DuZeLBbCB5BBsLmuykE";

fn token(text: &str) -> String {
    server(&format!("[[server.tokens]]\n{text}"))
}

fn user(text: &str) -> String {
    server(&format!("[[server.users]]\n{text}"))
}

/// A user with this hash.
fn user_with(hash: &str) -> String {
    user(&format!("name = \"ann\"\nrole = \"viewer\"\npassword_hash = \"{hash}\""))
}

#[test]
fn tokens_and_users_are_read() {
    let text = server(&format!(
        "bind = \"0.0.0.0:80\"\nhosts = [\"Lookout.LAN\", \"10.0.0.1\"]\nproxies = [\"127.0.0.1\", \"fd00::/8\"]\n\
         tokens = [\"0123456789abcdef\", {{ name = \"metrics\", role = \"viewer\", token_file = \"secrets/automation\" }}]\n\
         [[server.users]]\nname = \"ann\"\nrole = \"admin\"\npassword_hash = \"{HASH}\""
    ));
    let server = load(&text).expect("fine").server;
    let of = |name: &str, role, token: &str| Token { name: name.into(), role, token: Secret::new(token) };
    let tokens = vec![of("token 1", Role::Admin, "0123456789abcdef"), of("metrics", Role::Viewer, KEY)];
    let users = vec![User { name: "ann".into(), role: Role::Admin, password_hash: Secret::new(HASH) }];
    assert_eq!(server.auth, Auth::Known { tokens, users });
    assert_eq!(server.hosts, ["lookout.lan".into(), "10.0.0.1".into()]);
    assert_eq!(server.proxies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1/32", "fd00::/8"]);
}

#[test]
fn users_alone_are_enough_beyond_loopback() {
    all_pass([
        user_with(HASH).replace("[server]\n", "[server]\nbind = \"0.0.0.0:80\"\n"),
        token("name = \"a\"\nrole = \"viewer\"\ntoken = \"0123456789abcdef\""),
        // The same token twice is no contradiction while it says the same.
        server("tokens = [\"0123456789abcdef\", \"0123456789abcdef\"]"),
    ]);
}

#[test]
fn what_is_wrong_is_named() {
    let good = "name = \"a\"\nrole = \"viewer\"\ntoken = \"0123456789abcdef\"";
    let two = |second: &str| token(&format!("{good}\n[[server.tokens]]\n{second}"));
    each_is_named([
        (token(&good.replace("name = \"a\"\n", "")), "server.tokens[0].name: ", "missing"),
        (token(&good.replace("\"a\"", "\"\"")), "server.tokens[0].name: ", "empty"),
        (token(&good.replace("role = \"viewer\"\n", "")), "server.tokens[0].role: ", "\"admin\" may change"),
        (token(&good.replace("viewer", "veiwer")), "server.tokens[0].role: ", "did you mean \"viewer\"?"),
        (token(&good.replace("viewer", "root")), "server.tokens[0].role: ", "\"viewer\" may look"),
        (token(&good.replace("0123456789abcdef", "short")), "server.tokens[0].token: ", "16 characters"),
        (token("name = \"a\"\nrole = \"viewer\""), "server.tokens[0].token: ", "missing"),
        (token(&format!("{good}\ntoken_file = \"x\"")), "server.tokens[0].token_file: ", "one of the two"),
        (
            token("name = \"a\"\nrole = \"viewer\"\ntoken_file = \"secrets/short\""),
            "server.tokens[0].token_file: ",
            "16 characters",
        ),
        (token(&format!("{good}\nrol = 1")), "server.tokens[0].rol: ", "did you mean \"role\"?"),
        (token(&good.replace("\"a\"", "3")), "server.tokens[0].name: ", "expected a text in quotes"),
        (two(&good.replace("def\"", "dee\"")), "server.tokens[1].name: ", "server.tokens[0]"),
        (two(&good.replace("\"a\"", "\"b\"").replace("viewer", "admin")), "server.tokens[1]: ", "with another role"),
        (user_with(""), "server.users[0].password_hash: ", "lookout password"),
        (user_with("hunter2"), "server.users[0].password_hash: ", "lookout password"),
        (user_with(&HASH.replace("argon2id", "argon2i")), "server.users[0].password_hash: ", "no Argon2id hash"),
        (user_with(&HASH.replace("v=19", "v=16")), "server.users[0].password_hash: ", "no Argon2id hash"),
        (user_with(&HASH.replace("m=8", "m=8000000")), "server.users[0].password_hash: ", "too much work"),
        (user_with(HASH.rsplit_once('$').expect("parts").0), "server.users[0].password_hash: ", "no Argon2id hash"),
        (user(&format!("role = \"viewer\"\npassword_hash = \"{HASH}\"")), "server.users[0].name: ", "missing"),
        (
            format!(
                "{}\n[[server.users]]\nname = \"ann\"\nrole = \"admin\"\npassword_hash = \"{HASH}\"",
                user_with(HASH)
            ),
            "server.users[1].name: ",
            "server.users[0]",
        ),
        (
            user_with(HASH).replace("[server]\n", "[server]\nauth = \"none\"\n"),
            "server.auth: ",
            "contradicts tokens and users",
        ),
        (server("hosts = [\"http://lookout\"]"), "server.hosts[0]: ", "without scheme and port"),
        (server("hosts = [\"lookout:80\"]"), "server.hosts[0]: ", "without scheme and port"),
        (server("cors = [\"*\"]"), "server.cors[0]: ", "is no origin"),
        (server("cors = [\"https://front.example/app\"]"), "server.cors[0]: ", "is no origin"),
        (server("hosts = [\"\"]"), "server.hosts[0]: ", "no host name"),
        (server("proxies = [\"proxy.lan\"]"), "server.proxies[0]: ", "10.0.0.0/8"),
    ]);
}
