//! Tests of what is not on every machine: they say aloud that they are left out.

use std::{
    fmt::Display,
    io::{Write, stderr},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

static SO_FAR: AtomicUsize = AtomicUsize::new(0);

/// Says what is left out here for want of `missing`, and how often that has happened in this run. Written past the
/// capture of the tests' output, which would keep it from whoever sees only that everything passed.
#[track_caller]
pub(crate) fn left_out(missing: impl Display) {
    let number = SO_FAR.fetch_add(1, Relaxed) + 1;
    let place = std::panic::Location::caller();
    let _ = writeln!(stderr(), "left out ({number} in this run), {}: {missing}", place.file());
}
