//! What the integration tests share.

#![allow(dead_code, unreachable_pub)]

pub mod assets;
pub mod cameras;
pub mod config;
pub mod http;
mod left_out;
pub mod lookout;
pub mod object_store;
pub mod receiver;

pub use cameras::Cameras;
pub use config::Config;
pub(crate) use left_out::left_out;
pub use lookout::Lookout;
pub use receiver::Receiver;
