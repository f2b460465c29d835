//! A real editor.
