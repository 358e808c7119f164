//! What is said at the begin and at the end.

use std::net::SocketAddr;

use super::receiver::Tally;
use crate::status::{Board, CameraState, Latency};

/// Where to look.
pub(super) fn greeting(http: SocketAddr, cameras: &[String]) -> String {
    let first = cameras.first().map_or("", String::as_str);
    let are = if cameras.len() == 1 { "One simulated camera plays" } else { "Simulated cameras play" };
    format!(
        "Lookout demo. {are} a clip ({}); the embedded model looks for people,\n\
         and a receiver in this program checks what is reported. Nothing leaves this machine.\n\
         \n\
         \x20 look      http://{http}/\n\
         \x20 status    http://{http}/api/v1/status\n\
         \x20 picture   http://{http}/api/v1/cameras/{first}/frame.jpg?annotate=true\n\
         \x20 events    http://{http}/api/v1/events\n\
         \n\
         Ctrl-C ends it.\n",
        cameras.join(", ")
    )
}

/// What was done, as of now.
pub(super) fn summary(board: &Board) -> String {
    let cameras = board.cameras();
    let sum = |count: fn(&crate::status::CameraCell) -> u64| cameras.iter().map(|cell| count(cell)).sum::<u64>();
    let streaming = cameras.iter().filter(|cell| cell.state().state == CameraState::Streaming).count();
    let latency = Latency::quantiles_of(cameras.iter().map(|cell| &cell.latency));
    let latency = latency.map(|q| format!(", {:.0} ms after they came (median)", q.p50 * 1e3)).unwrap_or_default();
    format!(
        "{} s; {streaming} of {} cameras streamed at the end, restarts: {}; {} frames came, {} were looked at{latency}",
        board.started.elapsed().as_secs(),
        cameras.len(),
        sum(|cell| cell.lives.get().saturating_sub(1)),
        sum(|cell| cell.frames.received.get()),
        sum(|cell| cell.frames.detected.get()),
    )
}

/// What was done and delivered, and where to go from here.
pub(super) fn farewell(summary: &str, tally: &Tally) -> String {
    let mut reports = match tally.verified.get() {
        0 => "No report was delivered".to_owned(),
        many => format!("{many} reports delivered, each with the right signature"),
    };
    for (many, what) in [(tally.refused.get(), "refused without"), (tally.not_shown.get(), "more than could be shown")]
    {
        if many > 0 {
            reports.push_str(&format!("; {many} {what}"));
        }
    }
    format!("\nThe demo ran for {summary}.\n{reports}.\n\n{}", next_steps())
}

/// The least that a settings file needs.
const FIRST_SETTINGS: &str = r#"[[cameras]]
id = "front-door"
url = "rtsp://192.168.1.20/stream1"
username = "admin"
password = "${CAMERA_PASSWORD}"
"#;

fn next_steps() -> String {
    let settings: String = FIRST_SETTINGS.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "Next, with a camera of yours (its password in the environment, as CAMERA_PASSWORD):\n\
         \n\
         \x20 1. What does it send?\n\
         \x20   lookout probe rtsp://192.168.1.20/stream1 --username admin --password \"$CAMERA_PASSWORD\"\n\
         \x20 2. These five lines make a lookout.toml:\n\
         {settings}\
         \x20 3. Watch, and look at http://127.0.0.1:8080/:\n\
         \x20   lookout run\n\
         \x20 4. To be told, add a [[sinks]]: lookout check shows what holds, the README what is told."
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings;

    #[test]
    fn the_settings_that_are_recommended_are_in_order() {
        let environment = [("CAMERA_PASSWORD".into(), "p".into())];
        let settings = settings::load_from(FIRST_SETTINGS, environment, Path::new("/nowhere")).expect("in order");
        assert_eq!(settings.cameras.len(), 1);
        assert!(next_steps().contains("    id = \"front-door\"\n"), "{}", next_steps());
    }

    #[test]
    fn what_was_refused_or_not_shown_is_said() {
        let tally = Tally::default();
        assert!(farewell("9 s", &tally).contains("\nNo report was delivered.\n"));
        tally.verified.add(3);
        assert!(farewell("9 s", &tally).contains("\n3 reports delivered, each with the right signature.\n"));
        tally.refused.one();
        tally.not_shown.add(2);
        let said = farewell("9 s", &tally);
        assert!(said.contains("signature; 1 refused without; 2 more than could be shown.\n"), "{said}");
    }
}
