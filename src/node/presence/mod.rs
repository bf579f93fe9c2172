//! Who is here, on any node, and under which name.
