use super::super::{
    super::{File, raw},
    Check,
};

impl Check<'_> {
    pub(super) fn file(&mut self, path: &str, raw: raw::Sink) -> Option<File> {
        let at = |key: &str| format!("{path}.{key}");
        let max_bytes = raw.max_bytes.unwrap_or_else(|| "64MiB".into());
        let max_bytes = self.size(&at("max_bytes"), &max_bytes.0, 64 << 10..=1 << 40);
        let keep = self.number(&at("keep"), raw.keep.unwrap_or(5), 0..=1000);
        let file = match raw.path.as_deref() {
            None | Some("") => {
                self.problem(&at("path"), "missing: the file to append to, such as \"events.jsonl\"");
                return None;
            }
            Some(file) => self.folder.join(file),
        };
        if file.is_dir() {
            self.problem(&at("path"), format!("{} is a folder: name a file in it", file.display()));
        }
        Some(File { path: file, max_bytes, keep })
    }
}
