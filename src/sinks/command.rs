mod group;
mod tail;

use std::{
    ffi::OsStr,
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt};
use group::Group;
use tail::Tail;
use tokio::{
    io::AsyncWriteExt,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{Courier, Outcome, Sink, payload};
use crate::{events::Event, settings};

/// Tells events by running a program: the CloudEvent and a newline on its standard input, which it need not read.
///
/// It runs in the folder that Lookout was started in, with Lookout's environment less what is Lookout's own
/// (`LOOKOUT_*`, where secrets may stand), less the variables that the settings name as `${NAME}`, and with
/// `LOOKOUT_EVENT_ID`, `LOOKOUT_EVENT_TYPE` and, where there is one, `LOOKOUT_CAMERA` (its id). Exit status 0 means
/// accepted; 65 (`EX_DATAERR` of sysexits.h) that it is this event that is not wanted; 75 (`EX_TEMPFAIL`) and all
/// others that it is to be tried again. What it writes to standard output is ignored; the end of what it writes to
/// standard error is shown as the error, so secrets do not belong there.
///
/// It leads a process group of its own, and when it ends or its time is up, what is left of the group is killed: a
/// program that fails to end its children does not fill the machine event by event. What is to go on needs a session of
/// its own (`setsid`).
pub struct Command {
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
    withheld: Arc<[String]>,
    source: String,
    /// Places for programs that are being started. Where that hangs (a file system that does not answer), it keeps its
    /// thread, and no further ones are taken from the other couriers.
    starts: Arc<Semaphore>,
}

impl Command {
    /// `EX_DATAERR` of sysexits.h.
    const BAD_DATA: i32 = 65;
    /// `EX_TEMPFAIL` of sysexits.h.
    const LATER: i32 = 75;
    /// For what is left of standard error, and for the dead to be reaped.
    const AFTERMATH: Duration = Duration::from_secs(1);

    /// A command as the settings describe it.
    pub fn new(settings: &settings::Command, source: &str) -> Self {
        let settings::Command { program, arguments, timeout, withheld } = settings.clone();
        let starts = Arc::new(Semaphore::new(Courier::IN_FLIGHT));
        Self { program, arguments, timeout, withheld, source: source.to_owned(), starts }
    }

    fn command(&self, event: &Event) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.process_group(0);
        for (name, _) in std::env::vars_os() {
            if is_ours(&name) {
                command.env_remove(name);
            }
        }
        for name in self.withheld.iter() {
            command.env_remove(name);
        }
        command.env("LOOKOUT_EVENT_ID", event.id.to_string()).env("LOOKOUT_EVENT_TYPE", event.kind.as_str());
        if let Some(camera) = event.camera() {
            command.env("LOOKOUT_CAMERA", camera.as_str());
        }
        command
    }
}

impl Sink for Command {
    fn deliver(&self, event: &Event) -> BoxFuture<'static, Outcome> {
        let command = self.command(event);
        let mut input = payload::cloud_event(event, &self.source);
        input.push(b'\n');
        let (program, timeout, starts) = (self.program.clone(), self.timeout, Arc::clone(&self.starts));
        async move {
            let Ok(place) = starts.try_acquire_owned() else {
                return refused(format!("{}: earlier runs of it have not started yet", program.display()));
            };
            match run(command, place, input, timeout).await {
                Ok((end, said)) => judge(&program, end, &said, timeout),
                Err(error) => refused(cannot_run(&program, &error)),
            }
        }
        .boxed()
    }

    fn deadline(&self) -> Duration {
        self.timeout + 3 * Self::AFTERMATH + Duration::from_secs(2)
    }
}

/// How it ended (nothing: its time was up), and the end of what it wrote to standard error. Nothing of it runs on when this
/// has returned, or was given up.
async fn run(
    mut command: tokio::process::Command,
    place: OwnedSemaphorePermit,
    input: Vec<u8>,
    timeout: Duration,
) -> io::Result<(Option<ExitStatus>, String)> {
    // On a thread that may block: to start a program is to read it, perhaps from far away.
    let start = move || {
        let _place = place; // also where nobody waits for it any more
        command.spawn().and_then(Group::of)
    };
    let started = tokio::task::spawn_blocking(start).await;
    let mut group = started.map_err(io::Error::other)??;
    let (stdin, mut stderr) = group.pipes();
    let mut tail = Tail::default();
    let tell = async {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is told: a pipe that it closed is no failure.
            let _ = stdin.write_all(&input).await;
        }
    };
    let talk = async {
        tokio::join!(tell, tail.listen(stderr.as_mut()));
        // Told and silent, but not yet at its end.
        futures::future::pending::<()>().await;
    };
    let in_time = tokio::select! {
        ended = group.ended() => ended.map(|()| true)?,
        () = talk => false,
        () = tokio::time::sleep(timeout) => false,
    };
    group.kill();
    // What it wrote last is in the pipe; who else holds the pipe (a session of its own) is not waited for.
    let _ = tokio::time::timeout(Command::AFTERMATH, tail.listen(stderr.as_mut())).await;
    let status = group.reap(Command::AFTERMATH).await?;
    Ok((in_time.then_some(status), tail.text()))
}

fn judge(program: &Path, ended: Option<ExitStatus>, said: &str, timeout: Duration) -> Outcome {
    let (program, said) = (program.display(), if said.is_empty() { String::new() } else { format!(": {said}") });
    let Some(status) = ended else {
        return refused(format!("{program} did not end within {timeout:?} and was killed{said}"));
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Accepted,
        (Some(Command::LATER), _) => refused(format!("{program} wants to be run again later{said}")),
        (Some(code), _) => Outcome::Refused {
            error: format!("{program} ended with status {code}{said}"),
            retry_after: None,
            blames_event: code == Command::BAD_DATA,
        },
        (None, Some(signal)) => refused(format!("{program} was ended by signal {signal}{said}")),
        (None, None) => refused(format!("{program} ended in an unknown way{said}")),
    }
}

/// Settings, secrets among them, may stand in variables of these names.
fn is_ours(variable: &OsStr) -> bool {
    variable.as_encoded_bytes().starts_with(b"LOOKOUT_")
}

fn cannot_run(program: &Path, error: &io::Error) -> String {
    let program = program.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no program {program}, or what its first line asks for is missing"),
        io::ErrorKind::PermissionDenied => format!("{program} may not be run: permission denied"),
        _ => format!("{program} cannot be run: {error}"),
    }
}

fn refused(error: String) -> Outcome {
    Outcome::Refused { error, retry_after: None, blames_event: false }
}

#[cfg(test)]
mod tests;
