use std::{io, path::PathBuf};

/// A cause that another library reports.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a model cannot be used, or a picture could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// The model or its sidecar cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The model is no ONNX file, or uses something that is not supported.
    #[error("{model} is no model that can be run")]
    Model {
        /// Which file, or "the embedded model".
        model: String,
        /// What the inference library says.
        source: Cause,
    },
    /// The sidecar is no TOML, or has a key or value that means nothing.
    #[error("{file}: {source}")]
    Sidecar {
        /// Which file, or "the embedded model's sidecar".
        file: String,
        /// What is wrong and where.
        source: Cause,
    },
    /// The model's input is not one picture of a known size.
    #[error("the model's input is {found}; {wanted}")]
    Input {
        /// What the model wants.
        found: String,
        /// What can be given, and where to say so.
        wanted: &'static str,
    },
    /// The model's outputs fit no known layout, or not the one that the sidecar names.
    #[error("the model's outputs {shapes} are not {wanted}")]
    Outputs {
        /// The shapes.
        shapes: String,
        /// What they should be.
        wanted: &'static str,
    },
    /// The number of labels is not the model's number of classes.
    #[error(
        "the model tells {classes} classes apart, but {labels} labels are known: name them in the sidecar, as labels = [...]"
    )]
    Labels {
        /// What the model's output says.
        classes: usize,
        /// How many names there are.
        labels: usize,
    },
    /// A label is asked for that the model does not know.
    #[error("the model knows no label \"{label}\"; it knows: {known}")]
    UnknownLabel {
        /// The label asked for.
        label: String,
        /// All of the model's labels.
        known: String,
    },
    /// A picture without pixels.
    #[error("the picture is empty")]
    EmptyPicture,
    /// The model failed on a picture.
    #[error("inference failed: {source}")]
    Inference {
        /// What the inference library says.
        source: Cause,
    },
    /// A picture cannot be written as JPEG.
    #[error("cannot write a JPEG of {width} x {height} pixels: {source}")]
    Jpeg {
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
        /// What the encoder says.
        source: Cause,
    },
    /// A failure made on purpose, by a scripted detector.
    #[error("failed on command")]
    OnCommand,
}
