//! Fan-out: who is in which room, and handing them what was committed.
