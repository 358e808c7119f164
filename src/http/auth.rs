use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use subtle::ConstantTimeEq;

use super::{Problem, Views};
use crate::settings::Auth;

/// Proof that whoever asks may. A handler that takes one is not called without.
pub(in crate::http) struct Allowed;

impl FromRequest for Allowed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let views = request.app_data::<web::Data<Views>>().expect("serve() gives every handler its views");
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        ready(if may(&views.auth, shown) { Ok(Self) } else { Err(Problem::unauthorized()) })
    }
}

fn may(auth: &Auth, shown: Option<&str>) -> bool {
    let Auth::Tokens(tokens) = auth else { return true };
    let Some((scheme, token)) = shown.and_then(|value| value.split_once(' ')) else { return false };
    // Every token is compared, and in constant time, so that time tells nothing about them.
    let fits = |secret: &crate::settings::Secret| bool::from(secret.expose().as_bytes().ct_eq(token.trim().as_bytes()));
    scheme.eq_ignore_ascii_case("bearer") & tokens.iter().fold(false, |any, secret| any | fits(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;

    #[test]
    fn only_a_token_of_the_settings_opens() {
        let auth = Auth::Tokens(vec![Secret::new("first-token-0123"), Secret::new("second-token-456")]);
        assert!(may(&auth, Some("Bearer second-token-456")));
        assert!(may(&auth, Some("bearer first-token-0123")));
        for wrong in [
            None,
            Some(""),
            Some("first-token-0123"),
            Some("Basic first-token-0123"),
            Some("Bearer first-token-012"),
            Some("Bearer "),
        ] {
            assert!(!may(&auth, wrong), "{wrong:?}");
        }
        assert!(may(&Auth::Open, None));
    }
}
