use super::{Counter, Gauge};

/// Those who are sent something for as long as they take it: who watches live, over all cameras.
#[derive(Debug, Default)]
pub struct AudienceCell {
    /// How many there are.
    pub present: Gauge,
    /// Bytes handed to their connections.
    pub sent: Counter,
    /// Those who were sent away, as they could not keep up.
    pub dropped: Counter,
}
