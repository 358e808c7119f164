//! Addresses apart from their credentials. No problem repeats any part of the text.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// A camera's URL, read.
pub(super) struct Address {
    /// Without credentials.
    pub(super) url: Url,
    /// Percent-decoded.
    pub(super) username: Option<String>,
    /// Percent-decoded.
    pub(super) password: Option<String>,
}

const FORM: &str = "write rtsp://HOST[:PORT]/PATH";
const ESCAPE: &str =
    "if user name or password contain one of : / ? # @ % or a space, write them as username and password instead";

/// Reads `rtsp://[user[:password]@]host[:port]/path`. The problem never repeats any part of the text.
pub(super) fn read(text: &str) -> Result<Address, String> {
    let mut url = Url::parse(text).map_err(|error| match text.contains('@') {
        true => format!("is no URL ({error}): {FORM}; {ESCAPE}"),
        false => format!("is no URL ({error}): {FORM}"),
    })?;
    match url.scheme() {
        "rtsp" => {}
        "rtsps" => {
            return Err("rtsps (RTSP over TLS) is not supported: use the camera's rtsp address".to_owned());
        }
        _ => return Err(format!("only rtsp is spoken: {FORM}")),
    }
    match url.host() {
        None | Some(Host::Domain("")) => return Err(format!("names no host: {FORM}")),
        Some(Host::Domain(name)) if looks_like_ipv4(name) && name.parse::<std::net::Ipv4Addr>().is_err() => {
            return Err("the host is no IP address: each of its four numbers is 0 to 255".to_owned());
        }
        Some(_) => {}
    }
    if url.port() == Some(0) {
        return Err("nothing listens on port 0".to_owned());
    }
    let (username, password) = take_credentials(&mut url)?;
    Ok(Address { url, username, password })
}

/// Takes user name and password out of a URL that names a host, percent-decoded.
pub(super) fn take_credentials(url: &mut Url) -> Result<(Option<String>, Option<String>), String> {
    // "rtsp://admin:12/34@host/": what the user took for a password is a path to everybody else.
    let behind_host = [Some(url.path()), url.query(), url.fragment()];
    if behind_host.into_iter().flatten().any(|part| part.contains('@')) {
        return Err(format!("an \"@\" behind the host: {ESCAPE}; if it belongs to the path, write %40"));
    }
    let decoded = |part: &str| {
        percent_decode_str(part)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| "user name or password are not UTF-8 once their % escapes are read: write them as username and password instead".to_owned())
    };
    let username = match url.username() {
        "" => None,
        name => Some(decoded(name)?),
    };
    let password = url.password().map(decoded).transpose()?;
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| "names no host".to_owned())?;
    Ok((username, password))
}

/// A `http://` or `https://` address that something is put behind: no query, no fragment.
pub(super) fn http(text: &str) -> Result<Url, String> {
    const FORM: &str = "write https://HOST[:PORT]/PATH, or http://...";
    let url = Url::parse(text).map_err(|error| match text.contains('@') {
        true => format!("is no URL ({error}): {FORM}; {ESCAPE}"),
        false => format!("is no URL ({error}): {FORM}"),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("only http and https are spoken: {FORM}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("ends in a query (?...) or a fragment (#...): nothing could be put behind it".to_owned());
    }
    Ok(url)
}

fn looks_like_ipv4(name: &str) -> bool {
    name.contains('.') && name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_url() {
        let read = |text| read(text).map_err(|e| format!("{text}: {e}")).expect("fine");
        let plain = read("rtsp://10.0.0.7:8554/a/b?c=1");
        assert_eq!(plain.url.as_str(), "rtsp://10.0.0.7:8554/a/b?c=1");
        assert_eq!((plain.username, plain.password), (None, None));

        let both = read("rtsp://ad%40min:p%3Ass%20w%C3%B6rd@[fe80::1]/x");
        assert_eq!(both.url.as_str(), "rtsp://[fe80::1]/x");
        assert_eq!(both.username.as_deref(), Some("ad@min"));
        assert_eq!(both.password.as_deref(), Some("p:ss wörd"));

        let name_alone = read("rtsp://admin@cam.local");
        assert_eq!(name_alone.url.as_str(), "rtsp://cam.local");
        assert_eq!(name_alone.username.as_deref(), Some("admin"));
        assert_eq!(name_alone.password, None);
    }

    #[test]
    fn invariant_13_a_problem_repeats_nothing_of_the_url() {
        for (text, expected) in [
            ("hunter2", "is no URL"),
            ("10.0.0.7/hunter2", "is no URL"),
            ("rtsp://admin:hunter2", "is no URL"),
            ("rtsp://admin:hunter2/x@host/", "username and password"),
            ("rtsp://admin:hunter2#x@host/", "username and password"),
            ("rtsp://admin:12/hunter2@host/", "behind the host"),
            ("rtsp://admin:12?hunter2@host/", "behind the host"),
            ("rtsp://admin:12#hunter2@host/", "behind the host"),
            ("rtsp:///hunter2", "no host"),
            ("rtsp:hunter2", "no host"),
            ("rtsp://admin:hunter2@/x", ""),
            ("rtsps://admin:hunter2@host/", "rtsps"),
            ("http://admin:hunter2@host/", "only rtsp"),
            ("hunter2:x@host/", "only rtsp"),
            ("rtsp://a:hunter2@ho st/", "is no URL"),
            ("rtsp://a:hunter2@300.1.1.1/", "0 to 255"),
            ("rtsp://a:hunter2@10.0.7/", "0 to 255"),
            ("rtsp://a:hunter2@host:0/", "port 0"),
            ("rtsp://a:hunter2%FF@host/", "UTF-8"),
        ] {
            let problem = read(text).map(|a| a.url).expect_err(text);
            assert!(problem.contains(expected), "{text}: {problem}");
            assert!(!problem.contains("hunter2"), "{text}: {problem}");
        }
    }
}
