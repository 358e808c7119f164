use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, value::MapAccessDeserializer},
};

/// `[server]`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct Server {
    /// IP address and port to listen on.
    pub(in crate::settings) bind: String,
    /// `"none"`: anybody who reaches the address may ask. Default: not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) auth: Option<String>,
    /// A file with one token a line, instead of `tokens`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) tokens_file: Option<String>,
    /// Host names under which the server is asked; default: none but those of loopback.
    pub(in crate::settings) hosts: Vec<String>,
    /// Proxies that are believed; default: none.
    pub(in crate::settings) proxies: Vec<String>,
    /// Origins of other sites whose pages may ask; default: none.
    pub(in crate::settings) cors: Vec<String>,
    /// Who shows one of these may ask. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) tokens: Option<Vec<Token>>,
    /// Who may log in; default: nobody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::settings) users: Vec<User>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:8080".to_owned(),
            auth: None,
            tokens_file: None,
            hosts: Vec::new(),
            proxies: Vec::new(),
            cors: Vec::new(),
            tokens: None,
            users: Vec::new(),
        }
    }
}

/// One of `tokens`.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::settings) enum Token {
    /// A text: of an admin.
    Plain(String),
    /// `[[server.tokens]]`
    Named(NamedToken),
}

/// `[[server.tokens]]`
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct NamedToken {
    /// Whose it is. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) name: Option<String>,
    /// `"viewer"` or `"admin"`. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) role: Option<String>,
    /// The token. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) token: Option<String>,
    /// A file with the token, instead of `token`. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) token_file: Option<String>,
}

/// `[[server.users]]`
#[derive(Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(in crate::settings) struct User {
    /// The name to log in with. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) name: Option<String>,
    /// `"viewer"` or `"admin"`. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) role: Option<String>,
    /// What `lookout password` prints. No default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::settings) password_hash: Option<String>,
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = Token;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in quotes, or a table with name, role and token")
            }

            fn visit_str<E>(self, text: &str) -> Result<Token, E> {
                Ok(Token::Plain(text.to_owned()))
            }

            /// What stands in the place of a fault that was noted.
            fn visit_unit<E>(self) -> Result<Token, E> {
                Ok(Token::Plain(String::new()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> Result<Token, A::Error> {
                NamedToken::deserialize(MapAccessDeserializer::new(table)).map(Token::Named)
            }
        }

        from.deserialize_any(Either)
    }
}
