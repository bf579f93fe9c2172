//! The terminal client from key to screen, without a terminal and without a network.

mod again;
mod attention;
mod composing;
mod conversations;
mod deeds;
mod hostile;
mod keeping;
mod looks;
mod monitoring;
mod moving;
mod nobody;
mod reading;
mod screens;
mod searching;
mod selecting;
mod speaking;
mod switching;
mod told;
mod unread;
mod watching;
mod windows;
