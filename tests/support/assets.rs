use std::path::PathBuf;

/// A file of the real footage and models that lie beside the project; `None`, said aloud, where they do not.
pub fn asset(name: &str) -> Option<PathBuf> {
    beside("LOOKOUT_ASSETS", "../shared/assets", name)
}

/// A file of the independent programs that lie beside the project.
pub fn peer(name: &str) -> Option<PathBuf> {
    beside("LOOKOUT_PEERS", "../shared/peers", name)
}

/// The model whose "person" is a bright picture; see `fixtures/make_brightness.py`.
pub fn brightness_model() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/brightness.onnx")
}

fn beside(variable: &str, usual: &str, name: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os(variable).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(usual), PathBuf::from);
    let path = folder.join(name);
    if !path.exists() {
        super::left_out(format_args!("{} is missing", path.display()));
    }
    path.exists().then_some(path)
}
