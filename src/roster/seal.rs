//! The only file that knows ring: keeps what must not lie on disk in clear.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

const KEY_LEN: usize = 32;

/// A key that seals texts (ChaCha20-Poly1305, RFC 8439), each under a random nonce of its own.
pub(super) struct SealingKey {
    key: LessSafeKey,
    random: SystemRandom,
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey")
    }
}

impl SealingKey {
    /// The key in a file that only this user can read; made if there is none.
    pub(super) fn open_or_make(path: &Path) -> io::Result<Self> {
        let random = SystemRandom::new();
        let key = match fs::File::open(path) {
            Ok(mut file) => {
                let mut key = Vec::new();
                Read::by_ref(&mut file).take(KEY_LEN as u64 + 1).read_to_end(&mut key)?;
                key
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = random_key(&random)?;
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(&key)?;
                file.sync_all()?;
                key
            }
            Err(error) => return Err(error),
        };
        Self::of(&key, random)
    }

    /// A key that opens nothing yet and lies nowhere.
    pub(super) fn fresh() -> io::Result<Self> {
        let random = SystemRandom::new();
        Self::of(&random_key(&random)?, random)
    }

    fn of(key: &[u8], random: SystemRandom) -> io::Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key)
            .map_err(|_| io::Error::other(format!("it must hold exactly {KEY_LEN} bytes")))?;
        Ok(Self { key: LessSafeKey::new(key), random })
    }

    /// Seals a text that belongs to `owner`.
    pub(super) fn seal(&self, owner: &str, text: &str) -> io::Result<String> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| io::Error::other("the system gives no random numbers"))?;
        let mut sealed = text.as_bytes().to_vec();
        let aad = Aad::from(owner.as_bytes());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| io::Error::other("too long to be sealed"))?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// The text; none if it was sealed with another key, for another owner, or was changed.
    pub(super) fn open(&self, owner: &str, sealed: &str) -> Option<String> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let text = self.key.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut text).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn random_key(random: &SystemRandom) -> io::Result<Vec<u8>> {
    let mut key = vec![0; KEY_LEN];
    random.fill(&mut key).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_same_key_opens_and_only_for_the_same_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let key = SealingKey::open_or_make(&path).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let sealed = key.seal("door", "s3cret").expect("sealed");
        assert_ne!(key.seal("door", "s3cret").expect("sealed"), sealed, "each time another nonce");
        let again = SealingKey::open_or_make(&path).expect("read");
        assert_eq!(again.open("door", &sealed).as_deref(), Some("s3cret"));
        assert_eq!(again.open("yard", &sealed), None);
        let other = SealingKey::open_or_make(&folder.path().join("other")).expect("made");
        assert_eq!(other.open("door", &sealed), None);
        let mut changed = sealed.into_bytes();
        let last = changed.len() - 6;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        assert_eq!(again.open("door", &String::from_utf8(changed).expect("text")), None);
        assert_eq!(again.open("door", "AAAA"), None);
    }

    #[test]
    fn a_file_that_is_no_key_is_not_taken_for_one() {
        let folder = tempfile::tempdir().expect("a folder");
        for wrong in [31, 33] {
            let path = folder.path().join(format!("{wrong}"));
            fs::write(&path, vec![0; wrong]).expect("written");
            assert!(SealingKey::open_or_make(&path).is_err());
        }
    }
}
