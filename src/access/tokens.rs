use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Authentication, Caller, digest::Digest};
use crate::settings::{Secret, Token};

/// The tokens of the settings, by their digests.
pub(super) struct Tokens(Vec<(Digest, Caller)>);

impl Tokens {
    pub(super) fn new(tokens: &[Token]) -> Self {
        let caller = |Token { name, role, .. }: &Token| Caller {
            name: Some(name.clone()),
            role: *role,
            authentication: Authentication::Token,
        };
        Self(tokens.iter().map(|token| (Digest::of(token.token.expose()), caller(token))).collect())
    }

    /// Whose token it is.
    pub(super) fn find(&self, shown: &str) -> Option<&Caller> {
        let shown = Digest::of(shown);
        // Every one is compared, and in constant time, so that time tells nothing about them.
        self.0.iter().fold(None, |found, (digest, caller)| if digest.is(&shown) { Some(caller) } else { found })
    }
}

/// The token of an `Authorization` header, if that is what it carries.
pub(super) fn bearer(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The same where it stands for a password, as players send it that know `http://anybody:TOKEN@host/` alone (RFC 7617).
pub(super) fn basic(authorization: Option<&str>) -> Option<Secret> {
    let (scheme, said) = authorization?.split_once(' ')?;
    let said = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(said.trim()).ok())??;
    let said = String::from_utf8(said).ok()?;
    said.split_once(':').map(|(_, token)| Secret::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Role;

    #[test]
    fn only_a_token_of_the_settings_is_somebodys() {
        let token = |name: &str, role, text: &str| Token { name: name.into(), role, token: Secret::new(text) };
        let tokens = Tokens::new(&[
            token("first", Role::Viewer, "first-token-0123"),
            token("second", Role::Admin, "second-token-456"),
        ]);
        let whose = |shown: Option<&str>| {
            bearer(shown).and_then(|token| tokens.find(token)).map(|caller| (caller.name.clone(), caller.role))
        };
        assert_eq!(whose(Some("Bearer second-token-456")), Some((Some("second".into()), Role::Admin)));
        assert_eq!(whose(Some("bearer  first-token-0123 ")), Some((Some("first".into()), Role::Viewer)));
        for wrong in [
            None,
            Some(""),
            Some("first-token-0123"),
            Some("Basic first-token-0123"),
            Some("Bearer first-token-012"),
            Some("Bearer "),
        ] {
            assert_eq!(whose(wrong), None, "{wrong:?}");
        }
    }
}
