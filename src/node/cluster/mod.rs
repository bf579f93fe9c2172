//! Other nodes. In reading order: [`replication`] (who holds what, and who sends it: pure), [`links`]
//! (sockets, authentication, calling), [`membership`] (who is there, by gossip), [`mesh`] (all joined to
//! the node; the [`Replicator`] that is built in).
//!
//! Invariants: an origin's events reach the store in order and without gaps; what comes in is shown
//! only after the store has committed it, as what is said here; nobody who does not know the
//! cluster's secret changes anything.
//!
//! [`Replicator`]: super::replicator::Replicator

pub mod links;
pub mod membership;
pub mod mesh;
pub mod replication;
#[cfg(test)]
mod simulation;
