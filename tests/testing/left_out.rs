//! Tests of what is not on every machine: they say aloud that they are left out, or fail where that is wanted.

use std::{
    fmt::Display,
    io::{Write, stderr},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

static SO_FAR: AtomicUsize = AtomicUsize::new(0);

/// Says what is left out here for want of `missing`, and how often that has happened in this run. Written past the
/// capture of the tests' output, which would keep it from whoever sees only that everything passed.
///
/// With `LOOKOUT_REQUIRE_ALL=1` nothing may be left out: then this fails the test.
#[track_caller]
pub(crate) fn left_out(missing: impl Display) {
    let is_required = std::env::var_os("LOOKOUT_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!is_required, "left out, against LOOKOUT_REQUIRE_ALL=1: {missing}");
    let number = SO_FAR.fetch_add(1, Relaxed) + 1;
    let place = std::panic::Location::caller();
    let _ = writeln!(stderr(), "left out ({number} in this run), {}: {missing}", place.file());
}
