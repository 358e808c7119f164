use std::process::{Command, Stdio};

/// What ffprobe says of the first seconds of a stream; within a minute, as streams do not end by themselves.
pub fn ffprobe(url: &str, seconds: u32, entries: &str, more: &[&str]) -> String {
    let mut command = Command::new("timeout");
    command.args([
        "60",
        "ffprobe",
        "-v",
        "error",
        "-read_intervals",
        &format!("%+{seconds}"),
        "-show_entries",
        entries,
    ]);
    let output = command.args(more).arg(url).stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
