use std::sync::Arc;

use super::DetectError;

/// The names of a model's classes, by their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(Vec<Arc<str>>);

impl Labels {
    /// Labels in the order of the model's classes.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(names.into_iter().map(|n| n.as_ref().into()).collect())
    }

    /// The 80 classes of COCO detection (Lin et al., 2014), in the order in which detectors number them.
    pub fn coco() -> Self {
        Self::new(COCO)
    }

    /// What a model of one class is taken to see.
    pub fn person() -> Self {
        Self::new(["person"])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of a class.
    pub fn name(&self, class: usize) -> Option<&Arc<str>> {
        self.0.get(class)
    }

    /// Which classes carry a wanted label; all of them where no label is named.
    ///
    /// # Errors
    /// `UnknownLabel` for the first wanted label that is not there.
    pub fn select(&self, wanted: &[Arc<str>]) -> Result<Vec<bool>, DetectError> {
        if let Some(unknown) = wanted.iter().find(|w| !self.0.contains(w)) {
            return Err(DetectError::UnknownLabel { label: unknown.as_ref().to_owned(), known: self.0.join(", ") });
        }
        let all = wanted.is_empty();
        Ok(self.0.iter().map(|n| all || wanted.contains(n)).collect())
    }
}

#[rustfmt::skip]
const COCO: [&str; 80] = [
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_labels_become_classes() {
        let coco = Labels::coco();
        let wanted = coco.select(&["car".into(), "person".into()]).expect("COCO has both");
        let classes: Vec<usize> = (0..80).filter(|&c| wanted[c]).collect();
        assert_eq!(classes, [0, 2]);
        assert_eq!(coco.select(&[]).expect("all"), vec![true; 80]);
    }

    #[test]
    fn an_unknown_label_names_the_known_ones() {
        let error = Labels::new(["person", "parcel"])
            .select(&["person".into(), "postman".into()])
            .expect_err("the model knows no postman");
        assert_eq!(error.to_string(), "the model knows no label \"postman\"; it knows: person, parcel");
    }
}
