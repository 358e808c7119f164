//! Who may: what stands between a request and what it asks for.
//!
//! It knows neither sockets nor HTTP's libraries, and it is handed the time. [`Gate`] holds the rules together; what
//! each address needs is said where the addresses are listed (`http/routes`).

mod attempts;
mod caller;
mod digest;
mod gate;
mod hosts;
mod network;
mod origins;
mod passwords;
mod proxies;
mod sessions;
mod tokens;

pub use caller::{Authentication, Caller, Needs};
pub use digest::NoRandomness;
pub use gate::{Admitted, Asking, COOKIE, Gate, Login, Refusal};
pub use passwords::{PasswordError, Passwords, Verified, hash_of};
pub use sessions::{KeptSessions, Sessions};
