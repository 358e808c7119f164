//! Basic and digest access authentication (RFC 2617), the camera's side. Digest as cameras do it: MD5, without `qop`.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use crate::settings::Secret;

const REALM: &str = "simulated camera";

/// What a camera's clients must know.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// How it is asked for.
    pub scheme: Scheme,
}

/// How a password is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Basic,
    /// By an MD5 digest over a nonce of the connection's.
    Digest,
}

impl Scheme {
    /// The `WWW-Authenticate` header.
    pub(super) fn challenge(self, nonce: &str) -> String {
        match self {
            Self::Basic => format!("Basic realm=\"{REALM}\""),
            Self::Digest => format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\""),
        }
    }
}

impl Credentials {
    /// Whether an `Authorization` header proves them for a request of this method.
    pub(super) fn admit(&self, authorization: &str, method: &str, nonce: &str) -> bool {
        let Some((scheme, proof)) = authorization.split_once(' ') else {
            return false;
        };
        let expected = match self.scheme {
            Scheme::Basic if scheme.eq_ignore_ascii_case("basic") => {
                let expected = BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password.expose()));
                return bool::from(expected.as_bytes().ct_eq(proof.trim().as_bytes()));
            }
            Scheme::Digest if scheme.eq_ignore_ascii_case("digest") => {
                if parameter(proof, "nonce") != Some(nonce) || parameter(proof, "username") != Some(&self.user) {
                    return false;
                }
                let Some(uri) = parameter(proof, "uri") else {
                    return false;
                };
                let secret = hash(format_args!("{}:{REALM}:{}", self.user, self.password.expose()));
                hash(format_args!("{secret}:{nonce}:{}", hash(format_args!("{method}:{uri}"))))
            }
            _ => return false,
        };
        parameter(proof, "response").is_some_and(|response| bool::from(expected.as_bytes().ct_eq(response.as_bytes())))
    }
}

fn hash(text: fmt::Arguments<'_>) -> String {
    format!("{:x}", Md5::digest(text.to_string()))
}

/// The value of one of `name="value", name=value ...`.
fn parameter<'a>(mut list: &'a str, wanted: &str) -> Option<&'a str> {
    loop {
        let (name, rest) = list.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.trim());
        }
        list = rest.trim_start().strip_prefix(',').unwrap_or(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(scheme: Scheme) -> Credentials {
        Credentials { user: "admin".to_owned(), password: Secret::new("pa:ss"), scheme }
    }

    #[test]
    fn basic_admits_the_right_password_alone() {
        let credentials = credentials(Scheme::Basic);
        assert!(credentials.admit("Basic YWRtaW46cGE6c3M=", "DESCRIBE", ""));
        assert!(!credentials.admit("Basic YWRtaW46cGFzcw==", "DESCRIBE", ""));
        assert!(!credentials.admit("Digest YWRtaW46cGE6c3M=", "DESCRIBE", ""));
        assert!(!credentials.admit("", "DESCRIBE", ""));
    }

    #[test]
    fn digest_depends_on_method_nonce_and_user() {
        let credentials = credentials(Scheme::Digest);
        // md5(md5("admin:simulated camera:pa:ss") ":n:" md5("PLAY:rtsp://c/x,y"))
        let secret = hash(format_args!("admin:simulated camera:pa:ss"));
        let proof = hash(format_args!("{secret}:n:{}", hash(format_args!("PLAY:rtsp://c/x,y"))));
        let header = format!("Digest username=\"admin\", uri=\"rtsp://c/x,y\",nonce=\"n\", response=\"{proof}\"");
        assert!(credentials.admit(&header, "PLAY", "n"));
        assert!(!credentials.admit(&header, "SETUP", "n"));
        assert!(!credentials.admit(&header, "PLAY", "m"));
        assert!(!credentials.admit(&header.replace("admin", "root"), "PLAY", "n"));
    }

    #[test]
    fn invariant_13_the_password_is_not_printed() {
        assert!(!format!("{:?}", credentials(Scheme::Basic)).contains("pa:ss"));
    }

    #[test]
    fn the_digest_is_md5() {
        assert_eq!(hash(format_args!("abc")), "900150983cd24fb0d6963f7d28e17f72", "RFC 1321, A.5");
    }
}
