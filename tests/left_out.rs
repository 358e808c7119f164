//! What a machine lacks is said, and fails where everything is required.

use std::process::{Command, Output};

use crate::support::program::text;

/// A test that needs footage, run by this very program where there is none.
fn run_without_footage(require_all: &str) -> Output {
    let nothing = tempfile::tempdir().expect("a folder");
    let mut tests = Command::new(std::env::current_exe().expect("it has a name"));
    tests.args(["--exact", "demo::a_visit_is_reported_and_its_signature_verified"]);
    tests.env("LOOKOUT_ASSETS", nothing.path()).env("LOOKOUT_REQUIRE_ALL", require_all).output().expect("it runs")
}

#[test]
fn what_is_missing_is_said_and_fails_where_everything_is_required() {
    let usual = run_without_footage("0");
    assert!(usual.status.success() && text(&usual.stdout).contains("1 passed"), "{}", text(&usual.stdout));
    let said = text(&usual.stderr);
    assert!(said.contains("left out (1 in this run), tests/demo.rs: ") && said.contains("is missing"), "{said}");

    let strict = run_without_footage("1");
    let said = text(&strict.stdout);
    assert!(!strict.status.success() && said.contains("left out, against LOOKOUT_REQUIRE_ALL=1: "), "{said}");
}
