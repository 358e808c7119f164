//! The real program, as it is typed.

use std::{
    ffi::OsStr,
    process::{Child, Command, ExitStatus, Output},
};

use crate::testing::wait_for;

/// The program, not started yet.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lookout"))
}

/// What it says to these arguments, at its end.
pub fn lookout<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    program().args(args).output().expect("it runs")
}

/// What it said.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Sends it a signal.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success(), "kill -s {name}");
}

/// Waits for its end; fails the test, with what it has `said`, if it goes on and on.
#[track_caller]
pub fn wait_for_end(child: &mut Child, said: impl Fn() -> String) -> ExitStatus {
    wait_for(|| format!("its end; it says:\n{}", said()), || child.try_wait().expect("it is our child"))
}

/// A program of others; it ends when this is dropped.
pub struct Other(pub Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        let _ = self.0.wait();
    }
}
