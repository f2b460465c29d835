//! How findings are shown: one file a format. Everything here reads [`crate::check::Report`] and changes nothing.

pub mod audit;
pub mod github;
pub mod human;
pub mod json;
pub mod page;
pub mod sarif;
