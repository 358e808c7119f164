//! `[server]`: the address, and who may ask there.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use argon2::{ARGON2ID_IDENT, Params, PasswordHash, Version};
use ipnet::IpNet;
use url::Url;

use super::{
    super::{
        Auth, Secret, Server, Token, User,
        quantity::quoted,
        raw::{self, NamedToken},
        tree::closest,
    },
    Check, both,
};
use crate::words::Role;

/// A token that can be guessed is none.
const TOKEN_LENGTH: usize = 16;
const MOST_TOKENS: usize = 100;
const MOST_USERS: usize = 100;
const MOST_HOSTS: usize = 100;
const MOST_PROXIES: usize = 100;
/// What a login may cost at most, in KiB and in passes over them: two are looked at at once.
const MOST_MEMORY: u32 = 256 << 10;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;
/// Of a password's hash, in bytes.
const HASH_LENGTH: usize = 16;

impl Check<'_> {
    pub(super) fn server(&mut self, raw: raw::Server) -> Server {
        let raw::Server { bind, auth, tokens_file, hosts, proxies, cors, tokens, users } = raw;
        let bind = bind.parse().unwrap_or_else(|_| {
            self.problem(
                "server.bind",
                format!(
                    "{} is no address: write IP address and port, such as \"127.0.0.1:8080\", \"0.0.0.0:8080\" or \"[::1]:8080\"",
                    quoted(&bind)
                ),
            );
            SocketAddr::from(([127, 0, 0, 1], 0))
        });
        let auth = self.auth(bind, auth, (tokens, tokens_file), users);
        Server { bind, auth, hosts: self.hosts(&hosts), proxies: self.proxies(&proxies), cors: self.cors(&cors) }
    }

    fn auth(
        &mut self,
        bind: SocketAddr,
        auth: Option<String>,
        tokens: (Option<Vec<raw::Token>>, Option<String>),
        users: Vec<raw::User>,
    ) -> Auth {
        let open = auth.as_deref() == Some("none");
        if let Some(auth) = auth.filter(|_| !open) {
            self.problem(
                "server.auth",
                format!(
                    "{} is unknown: write \"none\", or leave it out and give server.tokens or server.users",
                    quoted(&auth)
                ),
            );
        }
        let given = tokens.0.as_ref().is_some_and(|tokens| !tokens.is_empty()) || !users.is_empty();
        let known_before = !self.problems.covers("server.tokens") && !self.problems.covers("server.users");
        let tokens = self.tokens(tokens);
        let users = self.users(users);
        let nobody = tokens.is_empty() && users.is_empty();
        if open && !nobody {
            self.problem("server.auth", "\"none\" contradicts tokens and users: remove one of the two");
        }
        let known = known_before && !self.problems.covers("server.auth") && !self.problems.covers("server.tokens_file");
        if !bind.ip().is_loopback() && nobody && !given && !open && known {
            self.problem(
                "server.bind",
                "this address can be reached from other machines: give server.tokens (each at least 16 characters; \
                 clients send one as \"Authorization: Bearer ...\") or server.users, or say server.auth = \"none\" to let \
                 anybody in",
            );
        }
        if nobody { Auth::Open } else { Auth::Known { tokens, users } }
    }

    fn tokens(&mut self, (given, file): (Option<Vec<raw::Token>>, Option<String>)) -> Vec<Token> {
        let (path, given) = match (given, file) {
            (Some(_), Some(_)) => {
                self.problem("server.tokens_file", both("tokens"));
                return Vec::new();
            }
            (Some(tokens), None) => ("server.tokens", tokens),
            (None, Some(file)) => {
                let text = self.secret_file("server.tokens_file", &file).unwrap_or_default();
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                ("server.tokens_file", lines.map(|line| raw::Token::Plain(line.to_owned())).collect())
            }
            (None, None) => return Vec::new(),
        };
        if given.len() > MOST_TOKENS {
            self.problem(path, format!("at most {MOST_TOKENS} tokens"));
            return Vec::new();
        }
        let name = |token: &raw::Token| match token {
            raw::Token::Named(NamedToken { name: Some(name), .. }) => name.clone(),
            _ => String::new(),
        };
        let names: Vec<String> = given.iter().map(name).collect();
        self.unique(path, ".name", names.iter().map(String::as_str));
        let mut tokens: Vec<Token> = Vec::new();
        for (n, token) in given.into_iter().enumerate() {
            let at = format!("{path}[{n}]");
            let token = match token {
                raw::Token::Plain(token) => {
                    self.token(&at, &token);
                    Token { name: format!("token {}", n + 1).into(), role: Role::Admin, token: Secret::new(token) }
                }
                raw::Token::Named(token) => self.named_token(&at, token),
            };
            let is_same = |other: &Token| other.token == token.token && other.role != token.role;
            if let Some(same) = tokens.iter().position(is_same).filter(|_| !token.token.expose().is_empty()) {
                self.problem(&at, format!("the same token as {path}[{same}], with another role"));
            }
            tokens.push(token);
        }
        tokens
    }

    fn named_token(&mut self, at: &str, raw: NamedToken) -> Token {
        let from_file = raw.token_file.is_some();
        let name = self.whose(&format!("{at}.name"), raw.name, "whose token it is");
        let role = self.role(&format!("{at}.role"), raw.role.as_deref());
        let missing = raw.token.is_none() && !from_file;
        let token = self.secret(at, "token", raw.token, raw.token_file);
        let key = if from_file { format!("{at}.token_file") } else { format!("{at}.token") };
        match &token {
            Some(token) => self.token(&key, token),
            None if missing => self.problem(&key, "missing: make one with \"openssl rand -hex 32\""),
            None => {}
        }
        Token { name, role, token: Secret::new(token.unwrap_or_default()) }
    }

    fn token(&mut self, at: &str, token: &str) {
        if token.chars().count() < TOKEN_LENGTH {
            self.problem(at, format!("shorter than {TOKEN_LENGTH} characters: make one with \"openssl rand -hex 32\""));
        } else if !token.bytes().all(|b| b.is_ascii_graphic()) {
            self.problem(at, "only visible ASCII characters without spaces fit into a header");
        }
    }

    fn users(&mut self, raw: Vec<raw::User>) -> Vec<User> {
        if raw.len() > MOST_USERS {
            self.problem("server.users", format!("at most {MOST_USERS} users"));
            return Vec::new();
        }
        self.unique("server.users", ".name", raw.iter().map(|user| user.name.as_deref().unwrap_or_default()));
        let users = raw.into_iter().enumerate();
        users.map(|(n, user)| self.user(&format!("server.users[{n}]"), user)).collect()
    }

    fn user(&mut self, at: &str, raw: raw::User) -> User {
        let name = self.whose(&format!("{at}.name"), raw.name, "the name to log in with");
        let role = self.role(&format!("{at}.role"), raw.role.as_deref());
        let password_hash = raw.password_hash.unwrap_or_default();
        if let Some(problem) = fault_of_hash(&password_hash) {
            self.problem(&format!("{at}.password_hash"), problem);
        }
        User { name, role, password_hash: Secret::new(password_hash) }
    }

    fn whose(&mut self, at: &str, name: Option<String>, what: &str) -> Arc<str> {
        match &name {
            Some(name) => self.name(at, name),
            None => self.problem(at, format!("missing: {what}")),
        }
        name.unwrap_or_default().into()
    }

    fn role(&mut self, at: &str, role: Option<&str>) -> Role {
        let known = "\"viewer\" may look, \"admin\" may change things, too";
        let Some(text) = role else {
            self.problem(at, format!("missing: {known}"));
            return Role::Viewer;
        };
        let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
        found.unwrap_or_else(|| {
            let problem = match closest(text, Role::ALL.map(Role::as_str)) {
                Some(close) => format!("{} is unknown; did you mean \"{close}\"?", quoted(text)),
                None => format!("{} is unknown: {known}", quoted(text)),
            };
            self.problem(at, problem);
            Role::Viewer
        })
    }

    fn cors(&mut self, raw: &[String]) -> Vec<Arc<str>> {
        if raw.len() > MOST_HOSTS {
            self.problem("server.cors", format!("at most {MOST_HOSTS} origins"));
            return Vec::new();
        }
        let origin = |text: &String| {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
            let origin = url.origin().ascii_serialization();
            (origin == text.trim_end_matches('/')).then(|| Arc::from(origin))
        };
        let read: Vec<Option<Arc<str>>> = raw.iter().map(origin).collect();
        for (n, text) in raw.iter().enumerate().filter(|(n, _)| read[*n].is_none()) {
            // "*" would let every page that somebody opens move cameras.
            let how = "write scheme and host of each site, such as \"https://front.example\"";
            self.problem(&format!("server.cors[{n}]"), format!("{} is no origin: {how}", quoted(text)));
        }
        read.into_iter().flatten().collect()
    }

    fn hosts(&mut self, raw: &[String]) -> Vec<Arc<str>> {
        if raw.len() > MOST_HOSTS {
            self.problem("server.hosts", format!("at most {MOST_HOSTS} names"));
        }
        for (n, host) in raw.iter().enumerate().filter(|(_, host)| !is_host(host)) {
            let problem = format!(
                "{} is no host name: write it as browsers show it, without scheme and port, such as \"lookout.lan\"",
                quoted(host)
            );
            self.problem(&format!("server.hosts[{n}]"), problem);
        }
        raw.iter().map(|host| host.to_lowercase().into()).collect()
    }

    fn proxies(&mut self, raw: &[String]) -> Vec<IpNet> {
        if raw.len() > MOST_PROXIES {
            self.problem("server.proxies", format!("at most {MOST_PROXIES} addresses"));
        }
        let mut proxies = Vec::new();
        for (n, text) in raw.iter().enumerate() {
            match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
                Ok(network) => proxies.push(network),
                Err(_) => {
                    let problem = format!(
                        "{} is neither an address nor a network: write \"127.0.0.1\" or \"10.0.0.0/8\"",
                        quoted(text)
                    );
                    self.problem(&format!("server.proxies[{n}]"), problem);
                }
            }
        }
        proxies
    }
}

fn is_host(text: &str) -> bool {
    let is_name = |text: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        (1..=253).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('.') && !text.ends_with('.')
    };
    is_name(text) || text.parse::<IpAddr>().is_ok()
}

/// What keeps a text from being a password's hash; it repeats nothing of it.
fn fault_of_hash(text: &str) -> Option<&'static str> {
    const WAY_OUT: &str = "is no Argon2id hash: run \"lookout password\" and put in what it prints";
    if text.is_empty() {
        return Some("missing: run \"lookout password\" and put in what it prints");
    }
    let Ok(hash) = PasswordHash::new(text) else { return Some(WAY_OUT) };
    let Ok(params) = Params::try_from(&hash) else { return Some(WAY_OUT) };
    let is_whole = hash.salt.is_some() && hash.hash.is_some_and(|hash| hash.as_bytes().len() >= HASH_LENGTH);
    let is_argon2id = hash.algorithm == ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into());
    if !is_argon2id || !is_whole {
        return Some(WAY_OUT);
    }
    let is_dear = params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES;
    is_dear
        .then_some("asks for too much work: at most m=262144, t=16 and p=16; \"lookout password\" makes one that fits")
}
