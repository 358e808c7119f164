//! What the integration tests share.

#![allow(dead_code, unreachable_pub)]

pub mod browser;
pub mod cameras;
pub mod config;
pub mod ffprobe;
pub mod http;
pub mod lookout;
pub mod object_store;
pub mod program;
pub mod receiver;

pub use cameras::Cameras;
pub use config::Config;
pub use lookout::Lookout;
pub use receiver::Receiver;
