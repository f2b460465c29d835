//! Obligations held against the flow. One file a rule, one line each here.

pub mod registry;
