//! `lookout check`: are the settings in order, and what do they say in full?

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use crate::{
    app::{Tried, read_and_try},
    settings::{self, Auth, Problem, Settings},
};

/// The settings are wrong or missing.
const FAULTY: u8 = 2;
/// The answer could not be written.
const NOT_WRITTEN: u8 = 1;

/// Check the settings without starting anything.
///
/// Makes what `run` would make of them: the model, each sink, the store of pictures, the cameras that were added. Nothing is connected to.
///
/// Prints the settings as they take effect, defaults included and secrets masked, and exits with 0. Otherwise prints
/// every problem with its key to standard error and exits with 2. What keeps nothing from starting and may be a slip all
/// the same, such as the id of a camera that there is not now, is a warning there.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The settings file [default: $LOOKOUT_CONFIG, ./lookout.toml, ./config/lookout.toml, /etc/lookout/lookout.toml]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Runs `lookout check`.
pub fn execute(args: &CheckArgs) -> ExitCode {
    let answer = check(args.config.as_deref(), &mut io::stdout().lock(), &mut io::stderr().lock());
    match answer {
        Ok(code) => ExitCode::from(code),
        // A reader that has seen enough (`| head`) closes the pipe; there is nobody left to tell.
        Err(_) => ExitCode::from(NOT_WRITTEN),
    }
}

fn check(config: Option<&Path>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    match read_and_try(config) {
        Ok(Tried { mut settings, path, min_score: usual, remarks }) => {
            for Problem { path, text } in remarks.iter() {
                writeln!(err, "warning: {path}: {text}")?;
            }
            let said = settings.detector.min_score;
            settings.detector.min_score = Some(said.unwrap_or(usual));
            write!(out, "{}", settings::show(&settings))?;
            writeln!(out, "\n# {}: {}", path.display(), summary(&settings))?;
            match said {
                Some(_) => writeln!(out, "# min_score is set here; the model's own is {usual}")?,
                None => writeln!(out, "# min_score is the model's own")?,
            }
            out.flush()?;
            Ok(0)
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(FAULTY)
        }
    }
}

fn summary(settings: &Settings) -> String {
    let enabled = settings.cameras.iter().filter(|camera| camera.enabled).count();
    let access = match &settings.server.auth {
        Auth::Open => "for everybody".to_owned(),
        Auth::Known { tokens, users } => {
            format!("for {} and {}", count(tokens.len(), "token"), count(users.len(), "user"))
        }
    };
    format!(
        "in order; {} ({enabled} enabled), {}, HTTP on {} {access}",
        count(settings.cameras.len(), "camera"),
        count(settings.sinks.len(), "sink"),
        settings.server.bind,
    )
}

fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detect::Model,
        roster::{Order, Roster},
    };

    /// In a folder with a model that knows "person" and nothing else.
    fn run(text: &str) -> (u8, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("lookout.toml");
        std::fs::write(&file, text).expect("written");
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/brightness.onnx");
        std::fs::copy(model, folder.path().join("m.onnx")).expect("written");
        std::fs::write(folder.path().join("no.pem"), "-----BEGIN NOTHING-----").expect("written");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = check(Some(&file), &mut out, &mut err).expect("memory can be written");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (code, text(out), text(err))
    }

    #[test]
    fn settings_in_order_are_shown_without_secrets() {
        let (code, out, err) = run("detector.model = \"m.onnx\"\n\
             cameras = [{ id = \"door\", url = \"rtsp://admin:hunter2@10.0.0.7/x\" }]\n");
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("url = \"rtsp://10.0.0.7/x\""), "{out}");
        assert!(out.contains("password = \"***\""), "{out}");
        assert!(!out.contains("hunter2"), "{out}");
        assert!(out.contains("in order; 1 camera (1 enabled), 0 sinks, HTTP on 127.0.0.1:8080"), "{out}");
        toml::from_str::<toml::Table>(&out).expect("the answer is TOML");
    }

    #[test]
    fn the_score_that_holds_is_shown_and_whose_it_is() {
        let (_, out, _) = run("");
        let own = Model::embedded().expect("a sound model").min_score;
        assert!(out.contains("model = \"embedded\"\n"), "{out}");
        assert!(out.contains(&format!("min_score = {own}\n")), "{out}");
        assert!(out.contains("# min_score is the model's own"), "{out}");
        let (_, out, _) = run("detector.min_score = 0.61");
        assert!(out.contains("min_score = 0.61\n"), "{out}");
        assert!(out.contains(&format!("# min_score is set here; the model's own is {own}")), "{out}");
    }

    #[test]
    fn a_sidecar_with_a_fault_is_a_problem() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("l.toml", "detector.model = \"m.onnx\""), ("m.onnx", ""), ("m.toml", "pad = 300")] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = check(Some(&folder.path().join("l.toml")), &mut out, &mut err).expect("written");
        let err = String::from_utf8(err).expect("UTF-8");
        assert_eq!((code, out.len()), (2, 0));
        assert!(err.contains("detector.model: ") && err.contains("m.toml: pad"), "{err}");
    }

    #[test]
    fn what_run_would_refuse_is_told_all_at_once() {
        let (code, out, err) = run(r#"
            [detector]
            model = "m.onnx"
            labels = ["person", "postman", "parcel"]
            [snapshots]
            store = "s3://bucket"
            ca_file = "no.pem"
            [[sinks]]
            name = "sound"
            type = "mqtt"
            url = "mqtt://127.0.0.1:1"
            [[sinks]]
            name = "chat"
            type = "webhook"
            url = "https://chat.example/hunter2"
            template = { body = '{ "text": "{{ headline|shout }}" }' }
            [[sinks]]
            name = "office"
            type = "webhook"
            url = "https://office.example/"
            ca_file = "no.pem"
            [[sinks]]
            name = "choosy"
            type = "webhook"
            url = "https://choosy.example/"
            template = { body = "{}", accepted_if = "answer is fine" }
            "#);
        assert_eq!((code, out.as_str()), (2, ""));
        let told: Vec<&str> = err.lines().collect();
        assert!(told[0].ends_with("lookout.toml: 6 problems"), "{err}");
        for (line, (key, why)) in told[1..].iter().zip([
            ("detector.labels[1]", "the model knows no label \"postman\"; it knows: person"),
            ("detector.labels[2]", "the model knows no label \"parcel\"; it knows: person"),
            ("sinks[1].template", "shout"),
            ("sinks[2].ca_file", "no.pem"),
            ("sinks[3].template", "accepted_if"),
            ("snapshots.ca_file", "no.pem"),
        ]) {
            assert!(line.starts_with(&format!("{key}: ")) && line.contains(why), "{line}\nis not {key}: {why}");
        }
        assert!(!err.contains("hunter2"), "{err}");
    }

    #[test]
    fn a_sink_may_name_a_camera_that_was_added_and_a_slip_is_a_warning() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("lookout.toml");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        std::fs::write(
            &file,
            "[[sinks]]\nname = \"s\"\ntype = \"file\"\npath = \"e\"\ncameras = [\"yard\"]\nzones = [\"gate\"]\n",
        )
        .expect("written");
        let checked = || {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let code = check(Some(&file), &mut out, &mut err).expect("memory can be written");
            (code, String::from_utf8(err).expect("UTF-8"))
        };
        let none = "warning: sinks[0].cameras[0]: \"yard\": no camera has this id now; there are no cameras\n\
                    warning: sinks[0].zones[0]: \"gate\": no camera has a zone of this name now; there are no zones\n";
        assert_eq!(checked(), (0, none.to_owned()));
        assert_eq!(std::fs::read_dir(folder.path().join("data")).expect("a folder").count(), 0, "nothing is written");
        let mut roster = Roster::open(&settings::load(Some(&file)).expect("sound").0).expect("it opens");
        let mut add = |id: &str| {
            let zone = serde_json::json!({ "name": "gate", "polygon": [[0, 0], [1, 0], [1, 1]] });
            let camera = serde_json::json!({ "id": id, "url": "rtsp://10.0.0.2/", "zones": [zone] });
            roster.carry_out(Order::Add(camera)).expect("added");
        };
        add("yards");
        let (code, slip) = checked();
        assert_eq!(code, 0);
        assert!(slip.ends_with("no camera has this id now; did you mean \"yards\"?\n"), "{slip}");
        add("yard");
        assert_eq!(checked(), (0, String::new()));
    }

    #[test]
    fn what_is_no_model_is_a_problem() {
        let (code, out, err) = run("detector.model = \"no.pem\"");
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("\ndetector.model: ") && err.contains("no.pem is no model"), "{err}");
    }

    #[test]
    fn problems_go_to_standard_error_with_code_2() {
        let (code, out, err) = run("detector.model = \"m.onnx\"\ncameras = [{ id = \"door\" }]\n");
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("\ncameras[0].url: missing"), "{err}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = check(Some(Path::new("/nowhere/x.toml")), &mut out, &mut err);
        let err = String::from_utf8(err).expect("UTF-8");
        assert_eq!(code.expect("written"), 2);
        assert!(err.contains("/nowhere/x.toml") && err.contains("--config"), "{err}");
    }
}
