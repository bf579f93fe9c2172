//! The thread that owns the log: every event goes through it, and comes out committed and in order.
