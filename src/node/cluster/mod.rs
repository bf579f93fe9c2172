//! Other nodes. In reading order: [`replication`] (who holds what, and who sends it: pure), [`links`]
//! (sockets, authentication, calling), [`mesh`] (both joined to the node; the [`Replicator`] that is
//! built in).
//!
//! Invariants: an origin's events reach the store in order and without gaps; what comes in is shown
//! only after the store has committed it, as what is said here; nobody who does not know the
//! cluster's secret changes anything.
//!
//! [`Replicator`]: super::replicator::Replicator

pub mod links;
pub mod mesh;
pub mod replication;
#[cfg(test)]
mod simulation;
