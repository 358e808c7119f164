//! The only file of the house that makes and compares hashes of passwords.

use std::sync::Arc;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};

use super::digest::Digest;
use crate::{
    settings::{Secret, User},
    words::Role,
};

/// Why a password cannot be hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It can be guessed.
    #[error("a password has at least {} characters", Passwords::SHORTEST)]
    Short,
    /// It is longer than any login takes.
    #[error("a password has at most {} bytes", Passwords::LONGEST)]
    Long,
    /// The system gives no random numbers, or no memory.
    #[error("the hash cannot be made: {0}")]
    System(String),
}

/// The users of the settings, and what their passwords are compared with.
pub struct Passwords(Vec<User>);

/// Proof that somebody knew their password.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    pub(super) name: Arc<str>,
    pub(super) role: Role,
}

impl Passwords {
    /// Of a new password, in characters.
    pub const SHORTEST: usize = 8;
    /// In bytes.
    pub const LONGEST: usize = 1024;

    pub(super) fn new(users: Vec<User>) -> Self {
        Self(users)
    }

    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Of a user's hash, which is another with every new password.
    pub(super) fn digest_of(&self, name: &str) -> Option<Digest> {
        self.user(name).map(|user| Digest::of(user.password_hash.expose()))
    }

    /// What a user may, if the password is still the one of this digest.
    pub(super) fn role_of(&self, name: &str, password: &Digest) -> Option<Role> {
        self.user(name).filter(|user| Digest::of(user.password_hash.expose()).is(password)).map(|user| user.role)
    }

    fn user(&self, name: &str) -> Option<&User> {
        self.0.iter().find(|user| *user.name == *name)
    }

    /// Who it is, if name and password fit. It takes tens of milliseconds and as much memory as the hash asks for, so
    /// it belongs where threads may wait; and as long for a name that nobody has as for one with another password.
    pub fn verify(&self, name: &str, password: &Secret) -> Option<Verified> {
        let user = self.user(name);
        let compared = user.or(self.0.first())?;
        let fits = PasswordHash::new(compared.password_hash.expose()).is_ok_and(|hash| {
            let password = password.expose().as_bytes();
            password.len() <= Self::LONGEST && Argon2::default().verify_password(password, &hash).is_ok()
        });
        user.filter(|_| fits).map(|User { name, role, .. }| Verified { name: name.clone(), role: *role })
    }
}

/// The hash of a password as the settings want it: Argon2id with the parameters that OWASP recommends, as a PHC string.
///
/// # Errors
/// It can be guessed, or the system does not let us.
pub fn hash_of(password: &Secret) -> Result<String, PasswordError> {
    let password = password.expose();
    if password.chars().count() < Passwords::SHORTEST {
        return Err(PasswordError::Short);
    }
    if password.len() > Passwords::LONGEST {
        return Err(PasswordError::Long);
    }
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::System(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(of: &[(&str, &str)]) -> Passwords {
        let user = |(name, password): &(&str, &str)| User {
            name: (*name).into(),
            role: Role::Viewer,
            password_hash: Secret::new(hash_of(&Secret::new(*password)).expect("a good password")),
        };
        Passwords::new(of.iter().map(user).collect())
    }

    #[test]
    fn only_name_and_password_together_fit() {
        let passwords = users(&[("ann", "correct horse"), ("bob", "battery staple")]);
        let verify =
            |name, password: &str| passwords.verify(name, &Secret::new(password)).map(|it| it.name.to_string());
        assert_eq!(verify("ann", "correct horse").as_deref(), Some("ann"));
        assert_eq!(verify("bob", "battery staple").as_deref(), Some("bob"));
        for (name, password) in [
            ("ann", "battery staple"),
            ("bob", "correct horse"),
            ("ann", ""),
            ("ann", "correct horse "),
            ("Ann", "correct horse"),
            // The one that a name of nobody's is compared with.
            ("eve", "correct horse"),
            ("", "correct horse"),
        ] {
            assert_eq!(verify(name, password), None, "{name} {password}");
        }
        assert_eq!(users(&[]).verify("ann", &Secret::new("correct horse")), None);
    }

    #[test]
    fn the_same_password_has_another_hash_each_time_and_settings_take_it() {
        let password = Secret::new("correct horse");
        let (a, b) = (hash_of(&password).expect("a hash"), hash_of(&password).expect("a hash"));
        assert_ne!(a, b);
        assert!(a.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{a}");
        let text = format!("[[server.users]]\nname = \"ann\"\nrole = \"admin\"\npassword_hash = \"{a}\"");
        crate::settings::load_from(&text, [], std::path::Path::new(".")).expect("in order");
    }

    #[test]
    fn what_can_be_guessed_or_is_no_password_is_refused() {
        assert!(matches!(hash_of(&Secret::new("1234567")), Err(PasswordError::Short)));
        assert!(matches!(hash_of(&Secret::new("x".repeat(1025))), Err(PasswordError::Long)));
        assert_eq!(PasswordError::Short.to_string(), "a password has at least 8 characters");
    }
}
