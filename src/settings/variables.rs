//! `${NAME}` in the texts of the file.

use std::{collections::BTreeSet, sync::Arc};

/// Variables that every program may need, and that hold no secret even where a text of the file names them.
const COMMON: [&str; 9] = ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TMPDIR", "TZ", "USER"];

/// Of the variables that the file names, those that no program of the user's inherits: they were set for these
/// settings.
pub(super) fn withheld(named: BTreeSet<String>) -> Arc<[String]> {
    named.into_iter().filter(|name| !COMMON.contains(&name.as_str())).collect()
}

/// Puts environment variables in the place of `${NAME}`; `$${` stands for `${` itself.
/// `None` where the text names none and stays as it is.
pub(super) fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Option<String>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let (mut done, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        rest = &from[2..];
        if let Some(before) = before.strip_suffix('$') {
            done.push_str(before);
            done.push_str("${");
            continue;
        }
        done.push_str(before);
        let (name, behind) =
            rest.split_once('}').ok_or("\"${\" without \"}\": write \"$${\" where no variable is meant")?;
        let named = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !named {
            // The name is not repeated: a password that happens to contain "${" would be shown.
            return Err(
                "what stands between \"${\" and \"}\" is no variable name: write \"$${\" where no variable is meant"
                    .to_owned(),
            );
        }
        let value =
            lookup(name).ok_or_else(|| format!("the environment variable {name} is not set (or is not UTF-8)"))?;
        done.push_str(&value);
        rest = behind;
    }
    done.push_str(rest);
    Ok(Some(done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<Option<String>, String> {
        expand(text, |name| (name == "PASS_1").then(|| "s3${X}cret".to_owned()))
    }

    #[test]
    fn variables_are_put_in_once() {
        assert_eq!(run("plain $ { }"), Ok(None));
        assert_eq!(
            run("a-${PASS_1}-b"),
            Ok(Some("a-s3${X}cret-b".to_owned())),
            "what comes from a variable is not read again"
        );
        assert_eq!(run("$${PASS_1}"), Ok(Some("${PASS_1}".to_owned())));
        assert_eq!(run("${PASS_1}${PASS_1}"), Ok(Some("s3${X}crets3${X}cret".to_owned())));
    }

    #[test]
    fn what_cannot_be_put_in_is_said() {
        assert!(run("${NONE}").expect_err("unset").contains("NONE"));
        assert!(run("x${PASS_1").expect_err("open").contains("$${"));
        for bad in ["${}", "${a b}", "${1A}", "${hunter-2}"] {
            let problem = run(bad).expect_err(bad);
            assert!(!problem.contains("hunter"), "{problem}");
        }
    }
}
