pub mod log;
pub mod segment;
