//! The TLS of a sink's client.

use std::path::Path;

use rustls::ClientConfig;

use super::SinkError;
use crate::tls::{self, CaFileError};

/// A client's TLS: the built-in certificate authorities and those in `ca_file` (PEM).
pub(super) fn client(ca_file: Option<&Path>) -> Result<ClientConfig, SinkError> {
    tls::client(ca_file).map_err(|CaFileError { path, why }| SinkError::CaFile { path, why })
}
