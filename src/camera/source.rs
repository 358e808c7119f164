use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::LocalBoxFuture;

use super::Fault;
use crate::{
    media::{AccessUnit, Sound, SoundFormat},
    settings,
    status::SoundFacts,
};

/// Where access units come from. A trait so that tests can script a camera and files can play one.
pub trait Source {
    /// The next access unit; pending until one arrives. After an error the source is not polled again.
    ///
    /// # Errors
    /// What ends the stream.
    fn poll_unit(&mut self, context: &mut Context<'_>) -> Poll<Result<AccessUnit, Fault>>;

    /// What the stream is, once that is known; it may change at a key frame.
    ///
    /// # Errors
    /// `Fault::Unsupported` where it cannot be decoded.
    fn video(&self) -> Result<Option<Video>, Fault>;

    /// What is heard beside the pictures. Few sources have any.
    fn heard(&self) -> Option<Heard> {
        None
    }

    /// The sound that came with the pictures taken so far.
    fn take_sound(&mut self) -> Vec<Sound> {
        Vec::new()
    }

    /// Says goodbye to the camera.
    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()>;
}

/// What a video stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// As in RFC 6381: `avc1.64001F`.
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// By how many pictures it reorders at most (B-frames), where it says.
    pub reorder: Option<u32>,
}

/// What is heard beside the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What it is.
    pub facts: SoundFacts,
    /// How it is coded; `None` where it is left out.
    pub format: Option<Arc<SoundFormat>>,
}

/// How a camera is connected to: `connect_rtsp`, or a script.
pub type Connect =
    Arc<dyn Fn(Arc<settings::Camera>) -> LocalBoxFuture<'static, Result<Box<dyn Source>, Fault>> + Send + Sync>;
