use super::{Cue, Layout, flv::Flv, fmp4::Fmp4};

/// Writes a stream down so that players can read it as it comes.
pub trait Container: Send {
    /// What players know it by.
    fn content_type(&self, layout: &Layout) -> String;

    /// Writes the next piece behind what is in `out`.
    fn write(&mut self, cue: &Cue, out: &mut Vec<u8>);
}

/// The containers that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerKind {
    /// Flash video over HTTP, as flv.js, mpegts.js and VLC play it.
    Flv,
    /// Fragmented MP4, as Media Source Extensions play it.
    Mp4,
}

impl ContainerKind {
    /// A new stream in it.
    pub fn open(self) -> Box<dyn Container> {
        match self {
            Self::Flv => Box::new(Flv::default()),
            Self::Mp4 => Box::new(Fmp4::default()),
        }
    }
}
