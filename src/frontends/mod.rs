//! Front ends: one per language, from source texts to [`crate::ir::Program`].

pub mod rust;
