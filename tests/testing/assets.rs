//! Files that lie beside the project, and in it.

use std::path::PathBuf;

use super::left_out;

/// A file of the real footage and models that lie beside the project; `None`, said aloud, where it does not.
#[track_caller]
pub(crate) fn asset(name: &str) -> Option<PathBuf> {
    beside("LOOKOUT_ASSETS", "../shared/assets", name)
}

/// A file of the independent programs that lie beside the project.
#[track_caller]
pub(crate) fn peer(name: &str) -> Option<PathBuf> {
    beside("LOOKOUT_PEERS", "../shared/peers", name)
}

/// The model whose "person" is a bright picture; see `fixtures/make_brightness.py`.
pub(crate) fn brightness_model() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/brightness.onnx")
}

#[track_caller]
fn beside(variable: &str, usual: &str, name: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os(variable).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(usual), PathBuf::from);
    let path = folder.join(name);
    if !path.exists() {
        left_out(format_args!("{} is missing", path.display()));
        return None;
    }
    Some(path)
}
