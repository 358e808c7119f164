use std::fmt;

use url::Url;

/// Where a camera is passed on to: `rtmp://HOST[:PORT]/APP/KEY`. The key is a secret: who knows it can publish there.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayTarget {
    host: String,
    port: u16,
    app: String,
    key: String,
}

/// Why something is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// It is no URL, or of another scheme.
    #[error("no RTMP address: write rtmp://HOST[:PORT]/APP/KEY")]
    Scheme,
    /// It names no host.
    #[error("it names no host: write rtmp://HOST[:PORT]/APP/KEY")]
    Host,
    /// It carries a user name or a password.
    #[error("RTMP knows no user names and passwords: what the server wants to see stands in the key")]
    Credentials,
    /// It names no application or no key.
    #[error("it needs an application and a key: write rtmp://HOST[:PORT]/APP/KEY")]
    Path,
}

impl RelayTarget {
    const PORT: u16 = 1935;

    /// Reads an address.
    ///
    /// # Errors
    /// What it lacks.
    pub fn read(text: &str) -> Result<Self, InvalidTarget> {
        let url = Url::parse(text).map_err(|_| InvalidTarget::Scheme)?;
        if url.scheme() != "rtmp" {
            return Err(InvalidTarget::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidTarget::Credentials);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidTarget::Host)?;
        let path = &url[url::Position::BeforePath..];
        let (app, key) = path.trim_start_matches('/').split_once('/').ok_or(InvalidTarget::Path)?;
        if app.is_empty() || key.is_empty() {
            return Err(InvalidTarget::Path);
        }
        let (host, port) = (host.trim_matches(['[', ']']).to_owned(), url.port().unwrap_or(Self::PORT));
        Ok(Self { host, port, app: app.to_owned(), key: key.to_owned() })
    }

    /// What may be shown of it. Some servers want secrets behind the application as well.
    pub fn shown(&self) -> String {
        let app = self.app.split(['?', ';']).next().unwrap_or_default();
        format!("{}/{app}/…", self.server())
    }

    /// A text that others wrote, without what may not be shown of this.
    pub fn mask(&self, text: &str) -> String {
        let behind = self.app.find(['?', ';']).map(|at| &self.app[at + 1..]).filter(|behind| !behind.is_empty());
        let masked = text.replace(&self.key, "…");
        behind.map_or_else(|| masked.clone(), |behind| masked.replace(behind, "…"))
    }

    /// Host and port.
    pub fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The application.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The key. A secret.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address of the application, as RTMP wants to be told it. It may hold secrets.
    pub fn application(&self) -> String {
        format!("{}/{}", self.server(), self.app)
    }

    fn server(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            Self::PORT => format!("rtmp://{host}"),
            port => format!("rtmp://{host}:{port}"),
        }
    }
}

impl fmt::Debug for RelayTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_its_key_is_not_shown() {
        let target = RelayTarget::read("rtmp://media.example/live/door?sign=s3cret").expect("a target");
        assert_eq!(target.address(), ("media.example", 1935));
        assert_eq!((target.app(), target.key()), ("live", "door?sign=s3cret"));
        assert_eq!(
            (target.shown().as_str(), format!("{target:?}").as_str()),
            ("rtmp://media.example/live/…", "rtmp://media.example/live/…")
        );
        let split = RelayTarget::read("rtmp://media.example/live?auth=s3cret/door").expect("a target");
        assert_eq!((split.app(), split.shown().as_str()), ("live?auth=s3cret", "rtmp://media.example/live/…"));
        let said = "no stream door in application live?auth=s3cret";
        assert_eq!(split.mask(said), "no stream … in application live?…");
        let six = RelayTarget::read("rtmp://[::1]:1936/app/a/b").expect("a target");
        assert_eq!(
            (six.address(), six.key(), six.application()),
            (("::1", 1936), "a/b", "rtmp://[::1]:1936/app".into())
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, why) in [
            ("media.example/live/door", InvalidTarget::Scheme),
            ("http://media.example/live/door", InvalidTarget::Scheme),
            ("rtmp:///live/door", InvalidTarget::Host),
            ("rtmp://ann:s3cret@media.example/live/door", InvalidTarget::Credentials),
            ("rtmp://media.example/live", InvalidTarget::Path),
            ("rtmp://media.example/live/", InvalidTarget::Path),
        ] {
            assert_eq!(RelayTarget::read(text), Err(why), "{text}");
        }
    }
}
