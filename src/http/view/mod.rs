//! What the board shows, in the form in which it is served.

mod camera;
mod status;

pub(in crate::http) use camera::CameraView;
pub(in crate::http) use status::StatusView;
