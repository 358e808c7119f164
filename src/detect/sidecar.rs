use std::{fs, io, path::Path};

use serde::Deserialize;

use super::{
    DetectError,
    agreement::Agreement,
    heads::Layout,
    prepare::{Colour, Placement, Preparation},
};

/// `MODEL.toml` beside `MODEL.onnx`: what the model's file does not say of itself. Every key may be left out.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Sidecar {
    /// The layout of the outputs.
    pub head: Option<Layout>,
    /// Width and height of the input, where the file leaves them open.
    pub size: Option<[usize; 2]>,
    /// The order of the channels.
    pub colour: Option<Colour>,
    /// The range of the channels; not together with `mean` and `std`.
    pub range: Option<Range>,
    /// Subtracted from each channel (0 to 255), in the order of the channels.
    pub mean: Option<[f32; 3]>,
    /// Then each channel is divided by this.
    pub std: Option<[f32; 3]>,
    /// Where the picture goes.
    pub placement: Option<Placement>,
    /// What surrounds it, 0 to 255.
    pub pad: Option<f32>,
    /// The names of the classes, in their order.
    pub labels: Option<Vec<String>>,
    /// The edges of the grids' cells, in input pixels.
    pub strides: Option<Vec<usize>>,
    /// The least score that counts, where the settings say nothing: chosen where the model was trained.
    pub min_score: Option<f32>,
    /// How sure several boxes are together; without it, as sure as the best of them.
    pub agreement: Option<Agreement>,
}

/// The range of a model's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Range {
    /// As bytes are.
    #[serde(rename = "0..255")]
    Bytes,
    /// In parts of one.
    #[serde(rename = "0..1")]
    Unit,
}

impl Sidecar {
    /// The longest edge of an input: beyond, one frame would need gigabytes.
    const LONGEST: usize = 4096;
    /// A sidecar is a few hundred bytes, with a thousand labels some ten thousand.
    const MOST_BYTES: u64 = 1 << 20;

    /// Reads the sidecar of a model; an empty one where there is none.
    ///
    /// # Errors
    /// `Read`, or `Sidecar` with what is wrong in it.
    pub(super) fn beside(model: &Path) -> Result<Self, DetectError> {
        let path = model.with_extension("toml");
        let read = |source| DetectError::Read { path: path.clone(), source };
        match fs::metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(read(e)),
            Ok(meta) if meta.len() > Self::MOST_BYTES => {
                return Err(read(io::Error::other("it is larger than 1 MiB")));
            }
            Ok(_) => {}
        }
        let text = fs::read_to_string(&path).map_err(read)?;
        Self::parse(&text).map_err(|source| DetectError::Sidecar { file: path.display().to_string(), source })
    }

    /// Reads a sidecar's text.
    ///
    /// # Errors
    /// What is wrong in it.
    pub(super) fn parse(text: &str) -> Result<Self, super::error::Cause> {
        let sidecar: Self = toml::from_str(text)?;
        match sidecar.fault() {
            Some(fault) => Err(fault.into()),
            None => Ok(sidecar),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let edge = 32..=Self::LONGEST;
        let bytes = 0.0..=255.0;
        let finite = |v: &[f32; 3]| v.iter().all(|v| v.is_finite());
        if self.size.is_some_and(|s| !s.iter().all(|e| edge.contains(e))) {
            Some("size: width and height must be 32 to 4096")
        } else if self.range.is_some() && (self.mean.is_some() || self.std.is_some()) {
            Some("range: say either range, or mean and std")
        } else if self.mean.is_some_and(|m| !finite(&m)) {
            Some("mean: must be three numbers")
        } else if self.std.is_some_and(|s| !finite(&s) || s.contains(&0.0)) {
            Some("std: must be three numbers other than 0")
        } else if self.pad.is_some_and(|p| !bytes.contains(&p)) {
            Some("pad: must be 0 to 255")
        } else if self.labels.as_ref().is_some_and(Vec::is_empty) {
            Some("labels: must name at least one")
        } else if self.min_score.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
            Some("min_score: must be 0 to 1")
        } else if self
            .strides
            .as_ref()
            .is_some_and(|s| !(1..=8).contains(&s.len()) || !s.iter().all(|s| (1..=Self::LONGEST).contains(s)))
        {
            Some("strides: must be one to eight numbers of 1 to 4096")
        } else {
            self.agreement.and_then(|agreement| agreement.fault())
        }
    }

    /// The strides said, or those of most detectors.
    pub(super) fn strides(&self) -> &[usize] {
        self.strides.as_deref().unwrap_or(&[8, 16, 32])
    }

    /// The least score said, or one at which most detectors are more often right than wrong.
    pub(super) fn min_score(&self) -> f32 {
        self.min_score.unwrap_or(0.45)
    }

    /// What is said of the preparation, the rest as in `usual`.
    pub(super) fn preparation(&self, usual: Preparation) -> Preparation {
        let (mean, std) = match self.range {
            Some(Range::Bytes) => ([0.0; 3], [1.0; 3]),
            Some(Range::Unit) => ([0.0; 3], [255.0; 3]),
            None => (self.mean.unwrap_or(usual.mean), self.std.unwrap_or(usual.std)),
        };
        Preparation {
            size: usual.size,
            colour: self.colour.unwrap_or(usual.colour),
            mean,
            std,
            placement: self.placement.unwrap_or(usual.placement),
            pad: self.pad.unwrap_or(usual.pad),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_replaces_what_is_usual() {
        let sidecar = Sidecar::parse(
            r#"
            head = "nanodet"
            size = [320, 256]
            colour = "rgb"
            range = "0..1"
            placement = "top_left"
            pad = 7
            labels = ["person", "parcel"]
            strides = [8, 16]
            min_score = 0.3
            agreement = { offset = -1.5, own = 0.5, support = 1 }
            "#,
        )
        .expect("every key is known");
        assert_eq!(sidecar.head, Some(Layout::Nanodet));
        assert_eq!((sidecar.min_score(), Sidecar::default().min_score()), (0.3, 0.45));
        assert_eq!(sidecar.strides(), [8, 16]);
        assert_eq!(sidecar.agreement, Some(Agreement { offset: -1.5, own: 0.5, support: 1.0 }));
        let preparation = sidecar.preparation(Layout::Nanodet.preparation((320, 256)));
        let wanted = Preparation {
            size: (320, 256),
            colour: Colour::Rgb,
            mean: [0.0; 3],
            std: [255.0; 3],
            placement: Placement::TopLeft,
            pad: 7.0,
        };
        assert_eq!(preparation, wanted);
        let usual = Layout::Yolox.preparation((416, 416));
        assert_eq!(Sidecar::default().preparation(usual), usual);
    }

    #[test]
    fn nonsense_is_named() {
        for (text, named) in [
            ("colours = \"rgb\"", "colours"),
            ("head = \"yolo\"", "yolo"),
            ("size = [416]", "size"),
            ("size = [416, 100000]", "size"),
            ("range = \"0..1\"\nmean = [1, 2, 3]", "range"),
            ("mean = [1, 2, nan]", "mean"),
            ("std = [1, 0, 1]", "std"),
            ("pad = 256", "pad"),
            ("labels = []", "labels"),
            ("strides = [0]", "strides"),
            ("min_score = 1.5", "min_score"),
            ("[agreement]\noffset = 0\nown = 1", "support"),
            ("[agreement]\noffset = 0\nown = 0\nsupport = 1", "agreement"),
        ] {
            let error = Sidecar::parse(text).expect_err(text).to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn it_lies_beside_the_model_and_may_be_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join("people.onnx");
        assert_eq!(Sidecar::beside(&model).expect("none is fine"), Sidecar::default());
        fs::write(folder.path().join("people.toml"), "pad = 300").expect("written");
        let error = Sidecar::beside(&model).expect_err("300 is no byte");
        assert!(error.to_string().contains("people.toml: pad"), "{error}");
    }
}
