//! Other nodes: the pure replication core, and the links that carry it.

pub mod links;
pub mod mesh;
pub mod replication;
