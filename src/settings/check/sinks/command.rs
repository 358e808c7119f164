use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use super::super::{
    super::{Command, quantity::quoted, raw},
    Check, MINUTE, SECOND, not_a_file,
};

const MOST_ARGUMENTS: usize = 100;
const ARGUMENT_BYTES: usize = 4 << 10;

impl Check<'_> {
    pub(super) fn command(&mut self, path: &str, raw: raw::Sink) -> Option<Command> {
        let at = |key: &str| format!("{path}.{key}");
        let arguments = raw.arguments.unwrap_or_default();
        if arguments.len() > MOST_ARGUMENTS {
            self.problem(&at("arguments"), format!("at most {MOST_ARGUMENTS} arguments"));
        }
        for (n, argument) in arguments.iter().enumerate() {
            if argument.len() > ARGUMENT_BYTES || argument.contains('\0') {
                let text = format!("must be at most {ARGUMENT_BYTES} bytes, without a zero byte");
                self.problem(&at(&format!("arguments[{n}]")), text);
            }
        }
        let timeout = raw.timeout.unwrap_or_else(|| "30s".into());
        let timeout = self.duration(&at("timeout"), &timeout, SECOND..=10 * MINUTE);
        let Some(program) = raw.program else {
            self.problem(&at("program"), "missing: the path of what to run for each event");
            return None;
        };
        let whole = self.folder.join(&program);
        if !program.contains('/') {
            let text = format!(
                "{} is no path: write where it is, such as \"/usr/local/bin/notify\" or \"./notify\"; PATH is not searched",
                quoted(&program)
            );
            self.problem(&at("program"), text);
        } else if let Some(problem) = not_a_program(&whole) {
            self.problem(&at("program"), problem);
        }
        Some(Command { program: whole, arguments, timeout, withheld: Arc::clone(&self.withheld) })
    }
}

fn not_a_program(path: &Path) -> Option<String> {
    not_a_file(path).or_else(|| {
        let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
        let shown = path.display();
        (mode & 0o111 == 0).then(|| format!("{shown} may not be run: make it so with \"chmod +x {shown}\""))
    })
}
