//! Everything that needs more than one room.

mod detect_reference;
