//! What the terminal client and the scripts share: connect, resume, move to another node, resend.
