//! `lookout check`: are the settings in order, and what do they say in full?

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use crate::{
    detect,
    settings::{self, Auth, Settings},
    words::with_causes,
};

/// The settings are wrong or missing.
const FAULTY: u8 = 2;
/// The answer could not be written.
const NOT_WRITTEN: u8 = 1;

/// Check the settings without starting anything.
///
/// Prints the settings as they take effect, defaults included and secrets masked, and exits with 0. Otherwise prints
/// every problem with its key to standard error and exits with 2.
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
    match settings::load(config) {
        Ok((mut settings, path)) => {
            let usual = match detect::min_score(&settings.detector.model) {
                Ok(usual) => usual,
                Err(error) => {
                    writeln!(err, "{}: detector.model: {}", path.display(), with_causes(&error))?;
                    return Ok(FAULTY);
                }
            };
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
        Auth::Open => "without a token",
        Auth::Tokens(_) => "with a token",
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

    fn run(text: &str) -> (u8, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("lookout.toml");
        std::fs::write(&file, text).expect("written");
        std::fs::write(folder.path().join("m.onnx"), "").expect("written");
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
        let own = detect::min_score(&settings::ModelSource::Embedded).expect("a sound sidecar");
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
