use std::{net::SocketAddr, sync::Arc};

use ipnet::IpNet;

use super::Secret;
use crate::words::Role;

/// `[server]`
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The address to listen on.
    pub bind: SocketAddr,
    /// Who may ask.
    pub auth: Auth,
    /// Host names under which the server is asked, in small letters.
    pub hosts: Vec<Arc<str>>,
    /// Proxies that are believed about whom they ask for and how they were asked.
    pub proxies: Vec<IpNet>,
    /// Origins of other sites whose pages may ask, such as `https://front.example`.
    pub cors: Vec<Arc<str>>,
}

/// Who may use the HTTP side.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    /// Anybody who reaches the address (the default on loopback; said out loud beyond).
    Open,
    /// Who shows a token as `Authorization: Bearer`, or has logged in. There is at least one of both together.
    Known {
        /// For machines.
        tokens: Vec<Token>,
        /// For people, names unique.
        users: Vec<User>,
    },
}

/// `[[server.tokens]]`, or a text in `server.tokens`.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Whose it is, for people.
    pub name: Arc<str>,
    /// What its holder may.
    pub role: Role,
    /// The token itself.
    pub token: Secret,
}

/// `[[server.users]]`
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The name to log in with.
    pub name: Arc<str>,
    /// What they may.
    pub role: Role,
    /// Argon2id, as a PHC string that was looked at.
    pub password_hash: Secret,
}
