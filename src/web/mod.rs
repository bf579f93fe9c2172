//! The bridge: browsers and HTTP on one side, one link to a node on the other.
