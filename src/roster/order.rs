use serde_json::Value;

use crate::{settings::Problem, words::CameraId};

/// What somebody wants of the cameras.
#[derive(Clone)]
pub enum Order {
    /// One more. The same again is no mistake.
    Add(Value),
    /// Let this one be so, whether it is there or not.
    Put(CameraId, Value),
    /// Change this of it (RFC 7396).
    Patch(CameraId, Value),
    /// Watch it no more and forget it.
    Remove(CameraId),
    /// Watch it.
    Start(CameraId),
    /// Watch it no more, also after a restart of Lookout.
    Stop(CameraId),
    /// Watch what is at this address under this name, whatever was there before.
    Play(CameraId, String),
    /// Pass it on.
    StartRelay(CameraId),
    /// Pass it on no more, also after a restart of Lookout.
    StopRelay(CameraId),
    /// Connect to it anew.
    Restart(CameraId),
    /// Watch none.
    StopAll,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The camera; none where it is about all.
    pub id: Option<CameraId>,
    /// What changed.
    pub change: Change,
}

/// What an order changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was so before.
    Same,
    /// It is new.
    Added,
    /// Its settings are others.
    Changed,
    /// It is no more.
    Removed,
    /// It is watched or passed on, or no longer.
    Switched,
    /// It is connected to anew.
    Restarted,
}

/// Why an order is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What is written of it is wrong, and where.
    #[error("the camera's settings have problems")]
    Invalid(Vec<Problem>),
    /// There is another with the same id.
    #[error(
        "a camera with the id \"{0}\" is there already, and it is another: change it with PUT, or choose another id"
    )]
    Exists(CameraId),
    /// It stands in the settings file.
    #[error("camera \"{0}\" stands in the settings file: change it there and reload")]
    InFile(CameraId),
    /// There are too many.
    #[error("there are control.max_cameras = {max_cameras} cameras already")]
    Full {
        /// The bound.
        max_cameras: usize,
    },
    /// There is none.
    #[error("no camera is called \"{0}\"")]
    Unknown(CameraId),
    /// It has nothing to be passed on to.
    #[error("camera \"{0}\" has no `relay`: say where it is to be passed on to, rtmp://HOST[:PORT]/APP/KEY")]
    NoRelay(CameraId),
    /// It could not be written down, so it was not done.
    #[error("it cannot be kept: {0}; nothing was changed")]
    NotSaved(String),
    /// The end has begun, or the rooms do not answer.
    #[error("{0}")]
    NotNow(String),
}

impl Refusal {
    pub(super) fn invalid(path: &str, text: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem { path: path.into(), text: text.into() }])
    }
}
