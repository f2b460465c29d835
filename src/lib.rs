//! fsynclint: after a power cut, is the data safe, or was it lucky?
//!
//! Modules in reading order: [`source`] (places), [`effects`] (the vocabulary), [`apis`] (who has which effect),
//! [`ir`] (programs), [`frontends`] (texts to programs), `flow` (effects along paths), [`checks`] (obligations), [`finding`],
//! [`discover`] (what to analyse), [`config`] (what is asked; [`spelling`] helps with what is misspelled), [`suppress`] (what the code says is meant), [`mod@check`] (all of it in a row), [`report`] (how it is
//! shown), [`pool`] (on which threads), [`lsp`] (for editors), [`cli`].

pub mod apis;
pub mod audit;
pub mod check;
pub mod checks;
pub mod cli;
pub mod config;
pub mod discover;
pub mod effects;
pub mod finding;
pub mod flow;
pub mod frontends;
pub mod ir;
pub mod lsp;
pub mod pool;
pub mod report;
pub mod source;
pub mod spelling;
pub mod suppress;
