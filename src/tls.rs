//! TLS that needs nothing of the machine it runs on: ring for the arithmetic, Mozilla's roots built in.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The file of certificate authorities does not serve.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the certificates in {}: {why}", path.display())]
pub struct CaFileError {
    /// Which file.
    pub path: PathBuf,
    /// Why not.
    pub why: String,
}

/// A client's TLS: the built-in certificate authorities and those in `ca_file` (PEM).
///
/// # Errors
/// Where `ca_file` cannot be read or holds no certificate.
pub fn client(ca_file: Option<&Path>) -> Result<ClientConfig, CaFileError> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = ca_file {
        add(&mut roots, path).map_err(|why| CaFileError { path: path.to_owned(), why })?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring serves TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|e| e.to_string())?;
    let before = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|e| e.to_string())?;
        roots.add(certificate).map_err(|e| e.to_string())?;
    }
    if roots.len() == before {
        return Err("it holds no certificate in PEM form".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        let refused = || client(Some(&file)).expect_err("refused").to_string();
        assert!(refused().contains("ca.pem"), "missing: {}", refused());
        std::fs::write(&file, "not a certificate").expect("a file");
        assert!(refused().contains("no certificate"), "{}", refused());
    }

    #[test]
    fn it_needs_no_certificates_of_the_machine() {
        let config = client(None).expect("built-in roots");
        assert!(config.alpn_protocols.is_empty());
    }
}
