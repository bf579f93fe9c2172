//! The command lines of all programs, and where their settings and files come from.
