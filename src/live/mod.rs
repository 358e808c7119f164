//! Live view: a camera's stream, put into other containers and never coded anew, for whoever wants to look.
//!
//! Pieces come from the camera's [`Feed`](crate::media::Feed); a [`Presenter`] gives them a time that only goes forward,
//! whatever the camera's clock does; a [`Container`] writes them down; a [`Viewer`] does both for one
//! connection. [`Relays`] send cameras on to RTMP servers.

mod audience;
mod configuration;
mod container;
mod flv;
mod fmp4;
mod mjpeg;
mod presenter;
mod relay;
mod timeline;
mod viewer;

pub use audience::{Audience, Full, Seat};
pub use configuration::{Configuration, Layout};
pub use container::{Container, ContainerKind};
pub use mjpeg::Slides;
pub use presenter::{Cue, Presenter};
pub use relay::{RelayFault, Relays};
pub use timeline::{Time, Timeline};
pub use viewer::{Closed, Viewer};

#[cfg(test)]
mod tests;
