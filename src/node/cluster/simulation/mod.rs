//! A cluster in one thread, with everything that happens to machines: seeded, without sockets, and
//! without waiting.
//!
//! What runs is the product: the store's door on SQLite, merging, the clock, the replication core with
//! its acknowledgements, and reading by `since`. What is made up is the world: the network between
//! nodes, their disks, clocks and crashes, and people who write and read. The oracle sees all of it and
//! knows what was promised.
//!
//! Reading order: `world` (time and what happens), `node` (a process: store and core), `wire` (links),
//! `faults` (the plan of what goes wrong), `writers` and `readers` (people), `oracle` (what was
//! promised, and whether it is kept), `story` (what happened, for who reads a failure).

mod chance;
mod faults;
mod node;
mod oracle;
mod readers;
mod story;
mod tests;
mod wire;
mod world;
mod writers;

pub use chance::Chance;
