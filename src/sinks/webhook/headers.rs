use std::sync::Arc;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::settings::Secret;

/// What says how the message travels, or what the signature speaks of, is nobody else's to set.
const OURS: [HeaderName; 5] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::HOST];

/// The headers that the settings ask for besides our own. No error shows a value.
pub(super) fn extra(headers: &[(Arc<str>, Secret)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (text, secret) in headers {
        let name: HeaderName = text.parse().map_err(|_| format!("\"{text}\" is no name of a header"))?;
        if OURS.contains(&name) || name.as_str().starts_with("webhook-") {
            return Err(format!("the header {name} cannot be set"));
        }
        let mut value = HeaderValue::from_str(secret.expose())
            .map_err(|_| format!("the value of the header {name} has characters that a header cannot have"))?;
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_one(name: &str, value: &str) -> Result<HeaderMap, String> {
        extra(&[(name.into(), Secret::new(value))])
    }

    #[test]
    fn invariant_13_no_error_and_no_debug_output_shows_a_value() {
        let map = try_one("Authorization", "Bearer s3cret").expect("sound");
        assert_eq!(map[header::AUTHORIZATION], "Bearer s3cret");
        let mut texts = vec![format!("{map:?}")];
        for (name, value) in [
            ("Authorization", "s3cret\nx"),
            ("no name", "s3cret"),
            ("Content-Type", "s3cret"),
            ("webhook-id", "s3cret"),
        ] {
            texts.push(try_one(name, value).expect_err(name));
        }
        assert!(texts.iter().all(|text| !text.contains("s3cret")), "{texts:?}");
        assert!(texts[4].contains("webhook-id cannot be set"), "{}", texts[4]);
    }
}
