//! Keeps cameras alive: one life after another, with pauses that grow, until told otherwise.
//!
//! `health` decides, `actor` does.

mod actor;
mod charge;
mod health;

pub use actor::{ApplyCameras, RestartCamera, Shutdown, Supervisor, Workshop};
pub use health::{Health, Next, Terms};

#[cfg(test)]
mod tests;
