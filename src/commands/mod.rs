//! What `lookout` can be told to do, one file each.

pub mod simulate;
