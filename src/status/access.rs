use super::Counter;

/// Failures to say who one is, also those that were no longer looked at.
#[derive(Debug, Default)]
pub struct AccessCell {
    /// By a token.
    pub tokens: Counter,
    /// By name and password.
    pub passwords: Counter,
}
