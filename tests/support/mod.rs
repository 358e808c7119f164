//! What the integration tests share.

#![allow(dead_code)]

pub mod assets;
pub mod cameras;
pub mod http;
pub mod lookout;
pub mod receiver;

pub use cameras::Cameras;
pub use lookout::Lookout;
pub use receiver::Receiver;
