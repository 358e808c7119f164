//! What the tests of this room share: the receiver of the integration tests, an outbox on a temporary folder, waiting.

#[path = "../../tests/support/receiver.rs"]
pub(crate) mod receiver;
