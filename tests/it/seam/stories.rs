//! The stories, by topic. None of them knows an engine.

pub mod copies;
pub mod life;
pub mod log;
pub mod nodes;
pub mod people;
