use std::{net::IpAddr, sync::Arc, time::Duration};

use futures::{
    FutureExt,
    future::{self, LocalBoxFuture},
};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    Authentication, Caller, KeptSessions, Needs, NoRandomness, Passwords, Sessions, Verified,
    attempts::{Attempts, Guess, Report},
    digest::{Digest, fresh_secret},
    hosts::Hosts,
    network::Network,
    origins::{Page, page},
    proxies::Proxies,
    tokens::{Tokens, basic, bearer},
};
use crate::{
    settings::{Auth, Secret, Server},
    status::AccessCell,
    words::{Moment, Role},
};

/// The cookie that carries a session's id.
pub const COOKIE: &str = "lookout_session";

/// The rules, who is logged in, and who failed to say who they are.
pub struct Gate {
    /// Nobody needs to say who they are.
    open: bool,
    hosts: Hosts,
    proxies: Proxies,
    /// Origins of other sites whose pages may ask.
    cors: Vec<Arc<str>>,
    tokens: Tokens,
    passwords: Arc<Passwords>,
    sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
    cell: Arc<AccessCell>,
}

/// What a request says, as far as it matters here. There is no `Debug`: secrets are among it.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whether it may change something: its method is not `GET` or the like.
    pub changes: bool,
    /// `Host`
    pub host: Option<&'a str>,
    /// `Authorization`
    pub authorization: Option<&'a str>,
    /// `Cookie`
    pub cookie: Option<&'a str>,
    /// `Origin`
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`
    pub fetch_site: Option<&'a str>,
    /// `X-Forwarded-For`
    pub forwarded_for: Option<&'a str>,
    /// `X-Forwarded-Proto`
    pub forwarded_proto: Option<&'a str>,
}

/// Why somebody is not let in.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody needs to say who they are, so it must be asked under a known name.
    Host,
    /// Another site's page asks for a change, or nobody says whose page it is.
    Page,
    /// They do not say who they are, or not so that it is known.
    Unknown,
    /// Name and password do not fit.
    Password,
    /// There is no user, so nobody can log in.
    NoUsers,
    /// There were too many failures.
    TooMany {
        /// So long nothing more is looked at.
        retry_after: Duration,
    },
    /// They may not do this.
    Role {
        /// What it takes.
        needs: Role,
        /// Who it is.
        caller: Caller,
    },
    /// A session cannot be opened.
    System,
}

/// A login that has begun. Until it is admitted or withdrawn it counts as a failure.
pub struct Login {
    network: Network,
    began: Moment,
}

/// Somebody is logged in.
pub struct Admitted {
    /// Who.
    pub caller: Caller,
    /// The session's id, for the cookie.
    pub id: Secret,
}

impl Gate {
    /// The rules of the settings; nobody is logged in.
    pub fn new(server: &Server, cell: Arc<AccessCell>) -> Self {
        let (tokens, users) = match &server.auth {
            Auth::Open => (Vec::new(), Vec::new()),
            Auth::Known { tokens, users } => (tokens.clone(), users.clone()),
        };
        let open = server.auth == Auth::Open;
        Self {
            open,
            hosts: Hosts::new(server.bind, open, server.hosts.clone()),
            proxies: Proxies::new(server.proxies.clone()),
            cors: server.cors.clone(),
            tokens: Tokens::new(&tokens),
            passwords: Arc::new(Passwords::new(users)),
            sessions: Mutex::default(),
            attempts: Mutex::default(),
            cell,
        }
    }

    /// Who asks, if they may; nobody where nothing is needed.
    pub fn let_in(&self, needs: Needs, asking: &Asking<'_>, now: Moment) -> Result<Option<Caller>, Refusal> {
        if needs != Needs::Nothing && !self.hosts.allow(asking.host) {
            return Err(Refusal::Host);
        }
        let token = bearer(asking.authorization);
        // No page can make a browser send a token to another site.
        if asking.changes && token.is_none() {
            self.is_own_page(asking)?;
        }
        let Needs::Role(role) = needs else { return Ok(None) };
        let caller = self.who(token, asking, now)?;
        if caller.role < role {
            return Err(Refusal::Role { needs: role, caller });
        }
        Ok(Some(caller))
    }

    /// A login begins; `passwords` says whether it is right, and `admit` what comes of it.
    pub fn begin_login(&self, asking: &Asking<'_>, now: Moment) -> Result<Login, Refusal> {
        if self.passwords.are_none() {
            return Err(Refusal::NoUsers);
        }
        let network = self.network(asking);
        let begun = self.attempts.lock().begin(network, Guess::Password, now);
        begun.map_err(|retry_after| {
            self.report(network, Guess::Password, now);
            Refusal::TooMany { retry_after }
        })?;
        Ok(Login { network, began: now })
    }

    /// What passwords are compared with.
    pub fn passwords(&self) -> Arc<Passwords> {
        Arc::clone(&self.passwords)
    }

    /// The end of a login: a session for who is verified, instead of the one that they had.
    pub fn admit(
        &self,
        login: Login,
        verified: Option<Verified>,
        asking: &Asking<'_>,
        now: Moment,
    ) -> Result<Admitted, Refusal> {
        let Some(Verified { name, role }) = verified else {
            self.report(login.network, Guess::Password, now);
            return Err(Refusal::Password);
        };
        tracing::info!(user = &*name, address = %login.network, "logged in");
        self.withdraw(login);
        let id = fresh_secret().map_err(|NoRandomness| Refusal::System)?;
        let caller = Caller { name: Some(name), role, authentication: Authentication::Session };
        self.log_out(asking);
        self.sessions.lock().open(&id, caller.clone(), now);
        Ok(Admitted { caller, id: Secret::new(id) })
    }

    /// A login whose password was not looked at, or was right, counts as no failure.
    #[allow(clippy::needless_pass_by_value)] // it is over
    pub fn withdraw(&self, login: Login) {
        self.attempts.lock().forgive(login.network, Guess::Password, login.began);
    }

    /// Ends the session that they ask in, if it is one.
    pub fn log_out(&self, asking: &Asking<'_>) {
        let mut sessions = self.sessions.lock();
        session_ids(asking).for_each(|id| sessions.close(id));
    }

    /// Says when somebody has logged in or out.
    pub fn logins(&self) -> watch::Receiver<()> {
        self.sessions.lock().changed()
    }

    /// What to write down of who is logged in.
    pub fn kept_sessions(&self, now: Moment) -> KeptSessions {
        self.sessions.lock().kept(|name| self.passwords.digest_of(name), now)
    }

    /// Goes on with who was logged in when an earlier process ended: with the same password, and the role of today.
    pub fn restore(&self, kept: KeptSessions, now: Moment) {
        let caller_of = |name: &str, password: &Digest| {
            let role = self.passwords.role_of(name, password)?;
            Some(Caller { name: Some(name.into()), role, authentication: Authentication::Session })
        };
        self.sessions.lock().restore(kept, caller_of, now);
    }

    /// Comes when the session that they ask in is over; never where it takes none.
    pub fn over(&self, needs: Needs, asking: &Asking<'_>, now: Moment) -> LocalBoxFuture<'static, ()> {
        if needs == Needs::Nothing || self.open || bearer(asking.authorization).is_some() {
            return future::pending().boxed_local();
        }
        let over = session_ids(asking).find_map(|id| self.sessions.lock().over(id, now));
        over.unwrap_or_else(|| match self.shown_as_password(asking) {
            Some(_) => future::pending().boxed_local(),
            None => future::ready(()).boxed_local(),
        })
    }

    /// Whether they asked by https.
    pub fn is_https(&self, asking: &Asking<'_>) -> bool {
        self.proxies.says_https(asking.peer, asking.forwarded_proto)
    }

    /// Origins of other sites whose pages may ask.
    pub fn cors(&self) -> &[Arc<str>] {
        &self.cors
    }

    fn is_own_page(&self, asking: &Asking<'_>) -> Result<(), Refusal> {
        if asking.origin.is_some_and(|origin| self.cors.iter().any(|allowed| **allowed == *origin)) {
            return Ok(());
        }
        match page(asking.fetch_site, asking.origin, asking.host, &self.hosts) {
            Page::Own => Ok(()),
            // No browser, and nothing that a browser would have sent by itself.
            Page::Unsaid if session_ids(asking).next().is_none() => Ok(()),
            Page::Unsaid | Page::Foreign => Err(Refusal::Page),
        }
    }

    fn who(&self, token: Option<&str>, asking: &Asking<'_>, now: Moment) -> Result<Caller, Refusal> {
        if self.open {
            return Ok(Caller { name: None, role: Role::Admin, authentication: Authentication::None });
        }
        let Some(token) = token else {
            let session = session_ids(asking).find_map(|id| self.sessions.lock().find(id, now));
            return session.or_else(|| self.shown_as_password(asking).cloned()).ok_or(Refusal::Unknown);
        };
        // A right one is never refused, whatever others behind the same address have tried: to compare it costs
        // nothing, and nobody guesses it.
        if let Some(caller) = self.tokens.find(token) {
            return Ok(caller.clone());
        }
        let network = self.network(asking);
        let counted = self.attempts.lock().begin(network, Guess::Token, now);
        self.report(network, Guess::Token, now);
        Err(counted.map_or_else(|retry_after| Refusal::TooMany { retry_after }, |()| Refusal::Unknown))
    }

    /// Who shows a token in the place of a password. Players know no other way. Browsers send such a one by themselves, once
    /// they have it, so it changes nothing; and what a proxy may pass on is no attempt of ours.
    fn shown_as_password(&self, asking: &Asking<'_>) -> Option<&Caller> {
        if asking.changes {
            return None;
        }
        self.tokens.find(basic(asking.authorization)?.expose())
    }

    fn network(&self, asking: &Asking<'_>) -> Network {
        Network::of(self.proxies.client(asking.peer, asking.forwarded_for))
    }

    /// What was tried is not told: people write passwords where names belong.
    fn report(&self, network: Network, guess: Guess, now: Moment) {
        let (tried, failures) = match guess {
            Guess::Token => ("a token", &self.cell.tokens),
            Guess::Password => ("name and password", &self.cell.passwords),
        };
        failures.one();
        let report = self.attempts.lock().report(network, now);
        if let Some(Report { failures, unheard }) = report {
            tracing::warn!(address = %network, tried, failures, unheard, "somebody failed to say who they are");
        }
    }
}

/// A browser may send several cookies of one name, of which others on the same host set some.
fn session_ids<'a>(asking: &Asking<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    const MOST: usize = 4;
    let cookies = asking.cookie.unwrap_or_default().split(';');
    cookies.filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('=')).take(MOST)
}

#[cfg(test)]
mod tests;
