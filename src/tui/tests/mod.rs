//! The terminal client from key to screen, without a terminal and without a network.

mod hostile;
mod moving;
mod reading;
mod screens;
mod speaking;
