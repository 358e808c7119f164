use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can happen. The text is the CloudEvents `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum EventKind {
    /// Somebody came.
    #[serde(rename = "lookout.visit.started")]
    VisitStarted,
    /// Nobody is there any more.
    #[serde(rename = "lookout.visit.ended")]
    VisitEnded,
    /// A camera has been gone for longer than it may.
    #[serde(rename = "lookout.camera.down")]
    CameraDown,
    /// It is back.
    #[serde(rename = "lookout.camera.up")]
    CameraUp,
    /// The pictures of an event that was told without them are stored.
    #[serde(rename = "lookout.snapshot.stored")]
    SnapshotStored,
    /// What was over a sink's budget, counted.
    #[serde(rename = "lookout.digest")]
    Digest,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::VisitStarted, Self::VisitEnded, Self::CameraDown, Self::CameraUp, Self::SnapshotStored, Self::Digest];

    /// The CloudEvents `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VisitStarted => "lookout.visit.started",
            Self::VisitEnded => "lookout.visit.ended",
            Self::CameraDown => "lookout.camera.down",
            Self::CameraUp => "lookout.camera.up",
            Self::SnapshotStored => "lookout.snapshot.stored",
            Self::Digest => "lookout.digest",
        }
    }
}
