use std::{io, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpgid};
use tokio::{
    process::{Child, ChildStderr, ChildStdin},
    signal::unix::{SignalKind, signal},
};

/// A process that leads a group of its own. When this is dropped, the whole group is killed.
pub(super) struct Group {
    leader: Child,
    id: Pid,
}

impl Group {
    const PAUSE: Duration = Duration::from_millis(10);

    /// The group that `leader` was started to lead.
    pub(super) fn of(leader: Child) -> io::Result<Self> {
        let id = leader.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let id = id.ok_or_else(|| io::Error::other("a process without an id"))?;
        Ok(Self { leader, id })
    }

    /// Its standard input and standard error, where they are pipes, once.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStderr>) {
        (self.leader.stdin.take(), self.leader.stderr.take())
    }

    /// Until the leader has ended. It is not reaped yet: so long its id, the group's, belongs to nobody else.
    pub(super) async fn ended(&self) -> io::Result<()> {
        let mut children = signal(SignalKind::child())?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(self.id), options)?.is_none() {
            children.recv().await;
        }
        Ok(())
    }

    /// Kills the leader and what it started, except what has left the group.
    pub(super) fn kill(&self) {
        if self.leader.id().is_some() {
            // The only failure is that nobody is left.
            let _ = kill_process_group(self.id, Signal::KILL);
        }
    }

    /// Takes the leader's exit status, and the dead that it leaves to us where we are the first process of a container,
    /// which nobody else would bury. What cannot be killed (it waits for a disk) is waited for up to `at_most`.
    pub(super) async fn reap(mut self, at_most: Duration) -> io::Result<ExitStatus> {
        let status = tokio::time::timeout(at_most, self.leader.wait()).await;
        let status = status.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it cannot be ended"))??;
        let orphans = async {
            while let Ok(reaped) = waitpgid(self.id, WaitOptions::NOHANG) {
                if reaped.is_none() {
                    tokio::time::sleep(Self::PAUSE).await;
                }
            }
        };
        let _ = tokio::time::timeout(at_most, orphans).await;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
