//! From a frame to what is in it.
