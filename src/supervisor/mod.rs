//! Keeps cameras alive: one life after another, with pauses that grow, until told otherwise.
//!
//! `health` decides, `actor` does.

mod actor;
mod charge;
mod health;

pub use actor::{ApplyCameras, Shutdown, Supervisor, Workshop};
pub use health::{Backoff, Health, Next};

#[cfg(test)]
mod tests;
