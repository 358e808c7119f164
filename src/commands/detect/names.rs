use std::{collections::HashSet, path::Path, time::Duration};

/// Names for the annotated pictures of a run: none twice, even where two files in different folders are called the same.
/// All end with `detected`, so that a photo is not written over where the folder is its own.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

/// The beginning of the names of a clip's pictures.
#[derive(Debug)]
pub(super) struct ClipName(String);

impl Names {
    /// The name for a photo.
    pub(super) fn of_still(&mut self, file: &Path) -> String {
        format!("{}-detected.jpg", self.free(file))
    }

    /// The names for a clip.
    pub(super) fn of_clip(&mut self, file: &Path) -> ClipName {
        ClipName(self.free(file))
    }

    fn free(&mut self, file: &Path) -> String {
        let stem = file.file_stem().map_or_else(|| "picture".into(), |stem| stem.to_string_lossy());
        let numbered = (2..).map(|number: usize| format!("{stem}-{number}"));
        let free = std::iter::once(stem.to_string()).chain(numbered).find(|name| !self.0.contains(name));
        let free = free.expect("there are more numbers than files");
        self.0.insert(free.clone());
        free
    }
}

impl ClipName {
    /// The name for the picture at this time; names sort by it.
    pub(super) fn at(&self, at: Duration) -> String {
        format!("{}-{:09.3}s-detected.jpg", self.0, at.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::default();
        assert_eq!(names.of_still(Path::new("a/door.jpg")), "door-detected.jpg");
        assert_eq!(names.of_still(Path::new("b/door.png")), "door-2-detected.jpg");
        let clip = names.of_clip(Path::new("c/door.mp4"));
        assert_eq!(clip.at(Duration::from_millis(12_040)), "door-3-00012.040s-detected.jpg");
    }
}
