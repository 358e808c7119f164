use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// How a text is written into a body, so that nothing in it is taken for the body's own syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaping {
    /// To stand between the quotes of a JSON string (RFC 8259, section 7).
    Json,
    /// To stand in the text or in a quoted attribute of HTML or XML.
    Markup,
    /// To stand for a name or a value in `application/x-www-form-urlencoded`.
    Form,
    /// As it is.
    Plain,
}

/// All but the unreserved characters of RFC 3986, section 2.3.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Escaping {
    /// What a body of this content type needs. Parameters (`; charset=utf-8`) do not matter.
    pub(super) fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let subtype = essence.split('/').nth(1).unwrap_or_default();
        match (essence.as_str(), subtype) {
            ("application/x-www-form-urlencoded", _) => Self::Form,
            (_, subtype) if subtype == "json" || subtype.ends_with("+json") => Self::Json,
            (_, subtype) if ["html", "xml"].contains(&subtype) || subtype.ends_with("+xml") => Self::Markup,
            _ => Self::Plain,
        }
    }

    /// The text, escaped.
    pub(super) fn escape(self, text: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Markup => entities(text).replace('"', "&quot;").replace('\'', "&#39;"),
            Self::Form => utf8_percent_encode(text, FORM).to_string(),
            Self::Plain => text.to_owned(),
        }
    }
}

/// The text with `&`, `<` and `>` as entities: what receivers want that read markup in a message (Slack's mrkdwn,
/// Telegram's HTML).
pub(super) fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_decides() {
        for (content_type, expected) in [
            ("application/json", Escaping::Json),
            ("Application/JSON; charset=utf-8", Escaping::Json),
            ("application/problem+json", Escaping::Json),
            ("text/html;charset=utf-8", Escaping::Markup),
            ("application/atom+xml", Escaping::Markup),
            ("application/x-www-form-urlencoded", Escaping::Form),
            ("text/plain", Escaping::Plain),
            ("nonsense", Escaping::Plain),
            ("", Escaping::Plain),
        ] {
            assert_eq!(Escaping::of(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn no_text_gets_out_of_its_place() {
        let text = "a \"b\" \\ <c> & 'd'\n\u{1}é";
        assert_eq!(Escaping::Json.escape(text), "a \\\"b\\\" \\\\ <c> & 'd'\\n\\u0001é");
        assert_eq!(Escaping::Markup.escape(text), "a &quot;b&quot; \\ &lt;c&gt; &amp; &#39;d&#39;\n\u{1}é");
        assert_eq!(Escaping::Form.escape("a b&c=d é~"), "a%20b%26c%3Dd%20%C3%A9~");
        assert_eq!(Escaping::Plain.escape(text), text);
    }
}
