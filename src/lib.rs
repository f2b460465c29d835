//! fsynclint: after a power cut, is the data safe, or was it lucky?
//!
//! Modules in reading order: [`source`] (places), [`effects`] (the vocabulary), [`apis`] (who has which effect),
//! [`ir`] (programs), `frontends` (texts to programs), `flow` (effects along paths), `checks` (obligations), [`finding`], `report`.

pub mod apis;
pub mod discover;
pub mod effects;
pub mod finding;
pub mod ir;
pub mod source;
