use std::{io, net::SocketAddr};

/// Why a clip cannot be played or a simulated camera cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The file cannot be read.
    #[error("{clip}: cannot be read: {source}")]
    Unreadable {
        /// The file.
        clip: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than a clip may be.
    #[error("{clip}: larger than {limit} MiB; cut it, e.g. `ffmpeg -i {clip} -t 60 -c copy -an short.mp4`")]
    TooLarge {
        /// The file.
        clip: String,
        /// The limit in MiB.
        limit: u64,
    },
    /// Neither MP4 nor an H.264 byte stream.
    #[error(
        "{clip}: neither MP4 nor an H.264 byte stream ({message}); convert it, e.g. `ffmpeg -i {clip} -an -c:v libx264 clip.mp4`"
    )]
    UnknownFormat {
        /// The file.
        clip: String,
        /// What the reader says.
        message: String,
    },
    /// The file has no H.264 track.
    #[error("{clip}: has no H.264 track, only {found}; convert it, e.g. `ffmpeg -i {clip} -an -c:v libx264 clip.mp4`")]
    NoH264 {
        /// The file.
        clip: String,
        /// The tracks it has.
        found: String,
    },
    /// Not one picture in it.
    #[error("{clip}: holds no picture; use a clip of at least one key frame")]
    Empty {
        /// The file, or the name of the clip.
        clip: String,
    },
    /// A sequence or picture parameter set is missing or broken.
    #[error("{clip}: {message}; encode it anew, e.g. `ffmpeg -i {clip} -an -c:v libx264 clip.mp4`")]
    ParameterSets {
        /// The file, or the name of the clip.
        clip: String,
        /// Which, and what is wrong with it.
        message: String,
    },
    /// The encoder refuses to make a synthetic clip.
    #[error("a synthetic clip of {width}x{height} cannot be encoded: {message}")]
    Synthetic {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// What the encoder says.
        message: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A mount's name is empty, or two mounts share it.
    #[error(
        "\"{0}\" cannot be a camera's path: each camera needs one of its own, of letters, digits, '/', '_', '-', '.'"
    )]
    MountName(String),
    /// There is no such mount.
    #[error("there is no camera named \"{0}\"")]
    NoSuchMount(String),
    /// What the command has to say cannot be written.
    #[error("cannot write to the standard output: {0}")]
    Output(#[source] io::Error),
}
