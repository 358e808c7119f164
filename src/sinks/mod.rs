//! Telling events to the outside: a sink knows how to tell one event, a courier sees to it that each event is told.

mod command;
mod courier;
mod escaping;
mod file;
mod headline;
mod mqtt;
mod payload;
mod schedule;
mod template;
mod tls;
mod webhook;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use command::Command;
pub use courier::{Courier, Drain, Terms};
pub use file::File;
use futures::future::{self, BoxFuture, FutureExt};
pub use headline::headline;
pub use mqtt::Mqtt;
pub use payload::cloud_event;
pub use schedule::Schedule;
pub use webhook::Webhook;

use crate::{
    events::Event,
    settings::{self, Way},
    status::{Board, CameraCell, SinkCell},
};

/// Somewhere to tell events. A trait so that the courier is tested with sinks that fail, hang and panic.
pub trait Sink: Send + Sync + 'static {
    /// Its courier begins, within an async runtime. A sink that keeps a connection makes it from now on.
    fn begin(&self) {}

    /// Tries once to tell `event`. The same event may be told again, always under the same id.
    fn deliver(&self, event: &Event) -> BoxFuture<'static, Outcome>;

    /// After this long an attempt has failed. A sink has finer limits of its own; this one catches what they miss.
    fn deadline(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Its courier has told what it will tell, and dropped what went on for too long. A sink that keeps a connection says
    /// goodbye; one that cannot call back what it does waits for it; within seconds.
    fn close(&self) -> BoxFuture<'static, ()> {
        future::ready(()).boxed()
    }
}

/// What a sink may know of the house.
#[derive(Clone)]
pub struct Surroundings {
    /// The CloudEvents `source` of all events.
    pub source: String,
    /// Where cameras stand and what they see.
    pub board: Arc<Board>,
    /// Makes pictures of cameras; `None`: there are none.
    pub pictures: Option<Pictures>,
}

#[cfg(test)]
impl Surroundings {
    /// Of a house without cameras.
    pub(crate) fn of_no_cameras() -> Self {
        Self { source: "/lookout/test".into(), board: Arc::new(Board::default()), pictures: None }
    }
}

/// Makes a JPEG of what a camera saw last, if it saw anything. It may take a while, so it is called where threads wait.
pub type Pictures = Arc<dyn Fn(&CameraCell) -> Option<Vec<u8>> + Send + Sync>;

/// How an attempt to tell an event ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Accepted,
    /// It did not work, this time.
    Refused {
        /// What went wrong, for people and without secrets.
        error: String,
        /// The receiver asked to be left alone for this long.
        retry_after: Option<Duration>,
        /// The receiver is well, it is this event that it does not want.
        blames_event: bool,
    },
    /// Nobody answered the connection: it says nothing about the event, and costs nothing to try again soon.
    Unreachable {
        /// What went wrong, for people and without secrets.
        error: String,
    },
    /// The receiver wants no more events, ever.
    Gone,
}

/// Why a sink cannot be set up. No text carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The signing key is not `whsec_` and base64.
    #[error("the secret of sink {sink} is no signing key: it must be whsec_ followed by base64")]
    Secret {
        /// Which sink.
        sink: Arc<str>,
    },
    /// The file of certificate authorities does not serve.
    #[error("cannot use the certificates in {}: {why}", path.display())]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The template of the body, or the condition on the answer, does not serve.
    #[error("the template of sink {sink} does not serve: {why}")]
    Template {
        /// Which sink.
        sink: Arc<str>,
        /// Why not, with the line.
        why: String,
    },
    /// The HTTP client cannot be made.
    #[error("sink {sink} cannot be set up: {why}")]
    Client {
        /// Which sink.
        sink: Arc<str>,
        /// Why not.
        why: String,
    },
}

impl SinkError {
    /// Which key of the sink's table it is about; `None`: no single one.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Secret { .. } => Some("secret"),
            Self::CaFile { .. } => Some("ca_file"),
            Self::Template { .. } => Some("template"),
            Self::Client { .. } => None,
        }
    }
}

/// A sink as the settings describe it, with its cell for the board.
pub fn open(
    settings: &settings::Sink,
    surroundings: &Surroundings,
) -> Result<(Arc<dyn Sink>, Arc<SinkCell>), SinkError> {
    let (name, source) = (&settings.name, &*surroundings.source);
    let (sink, target): (Arc<dyn Sink>, String) = match &settings.way {
        Way::Webhook(webhook) => {
            let sink = Webhook::new(name, webhook, source)?;
            let target = sink.target().to_owned();
            (Arc::new(sink), target)
        }
        Way::Command(command) => {
            (Arc::new(Command::new(command, source)), format!("command {}", command.program.display()))
        }
        Way::File(file) => (Arc::new(File::new(file, source)), format!("file {}", file.path.display())),
        Way::Mqtt(mqtt) => {
            let cell = Arc::new(SinkCell::new(Arc::clone(name), Mqtt::target(mqtt)));
            let sink = Mqtt::new(settings, mqtt, &cell, surroundings)?;
            return Ok((Arc::new(sink), cell));
        }
    };
    Ok((sink, Arc::new(SinkCell::new(Arc::clone(name), target))))
}

#[cfg(test)]
pub(crate) mod tests;
