use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::{
    SupportedCipherSuite,
    crypto::ring::{cipher_suite::TLS13_AES_128_GCM_SHA256, default_provider},
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// The system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

/// The SHA-256 of a secret: it is kept and compared in its place. That is enough for secrets that nobody can guess,
/// which passwords are not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Digest([u8; 32]);

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        URL_SAFE_NO_PAD.encode(digest.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("no SHA-256 in base64")
    }
}

impl Digest {
    pub(super) fn of(secret: &str) -> Self {
        // As the TLS library has it.
        let hash = match TLS13_AES_128_GCM_SHA256 {
            SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
            SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
        };
        let output = hash.hash(secret.as_bytes());
        let bytes: &[u8] = output.as_ref();
        Self(bytes.try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Whether it is the same, in constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A secret of 256 random bits, as text that fits into a cookie.
pub(super) fn fresh_secret() -> Result<String, NoRandomness> {
    let mut bits = [0; 32];
    default_provider().secure_random.fill(&mut bits).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
        assert_eq!(String::from(Digest::of("abc")), expected);
        assert!(Digest::try_from(expected.to_owned()).is_ok_and(|read| read.is(&Digest::of("abc"))));
        assert!(Digest::try_from(expected[1..].to_owned()).is_err());
        assert!(Digest::of("abc").is(&Digest::of("abc")) && !Digest::of("abc").is(&Digest::of("abd")));
    }

    #[test]
    fn fresh_secrets_have_256_bits_and_differ() {
        let (a, b) = (fresh_secret().expect("random"), fresh_secret().expect("random"));
        assert_eq!((a.len(), b.len()), (43, 43));
        assert_ne!(a, b);
    }
}
