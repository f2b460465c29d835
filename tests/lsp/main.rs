//! The editor server, by sessions: each test is a demand on it. `client` speaks to it in this process, `pipes` to the program over its
//! standard input and output, `neovim` is a real editor.

mod client;
mod neovim;
mod pipes;
mod session;
