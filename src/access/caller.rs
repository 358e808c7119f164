use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::words::Role;

/// What an address needs of whoever asks there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it tells nothing worth hiding, or it is where people say who they are.
    Nothing,
    /// This role, or one that may more.
    Role(Role),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Caller {
    /// The name of the user or the token; none where nobody needs to say who they are.
    pub name: Option<Arc<str>>,
    /// What they may.
    pub role: Role,
    /// How that is known.
    pub authentication: Authentication,
}

/// How it is known who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// It is not: everybody may.
    None,
    /// By a token.
    Token,
    /// By a login.
    Session,
}
