//! `chat send`: one message, from the command line or standard input.

use std::io::{IsTerminal, Read};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::args::Send;
use super::script::Script;
use super::stop::{Stop, failed, say};
use crate::client::ClientEvent;
use crate::protocol::limits::TEXT_CHARS_MAX;
use crate::protocol::{ClientFrame, Nonce, RoomRef, Text};

const PROGRAM: &str = "chat send";

/// Bytes read from standard input, at most: a hundred of the longest messages.
const INPUT_BYTES_MAX: u64 = 400_000;

/// For one message to be stored, moves to other nodes included.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(args: &Send) -> Result<(), Stop> {
    let text = match args.text.as_deref() {
        None | Some("-") => read_input()?,
        Some(text) => text.to_owned(),
    };
    let texts = messages(&text);
    if texts.is_empty() {
        return Err(failed("there is nothing to send: the text is empty"));
    }
    let mut script = Script::connect(PROGRAM, &args.person).await?;
    if matches!(args.room, RoomRef::Room(_)) {
        script
            .client
            .join(args.room.clone(), Some(1))
            .map_err(failed)?;
    }
    for text in texts {
        let send = ClientFrame::Send {
            room: args.room.clone(),
            text,
            nonce: None,
            reply_to: None,
            after: None,
        };
        let nonce = script.client.write(send).map_err(failed)?;
        let mut hindrance = Hindrance::default();
        let stored = stored(&mut script, &nonce, &mut hindrance);
        let in_time = timeout_at(Instant::now() + PATIENCE, stored).await;
        in_time.map_err(|_| unacknowledged(&hindrance))??;
    }
    script.client.close().await;
    Ok(())
}

/// Why a message is not stored yet, as far as it was said.
#[derive(Debug, Default)]
struct Hindrance {
    /// By a node that was asked to.
    refused: Option<String>,
    /// By the connection.
    lost: Option<String>,
}

async fn stored(script: &mut Script, nonce: &Nonce, hindrance: &mut Hindrance) -> Result<(), Stop> {
    loop {
        match script.next().await? {
            ClientEvent::Sent(sent) if sent.nonce == *nonce => return Ok(()),
            ClientEvent::PutOff { error, .. } => hindrance.refused = Some(error.message),
            ClientEvent::Offline { reason, .. } => hindrance.lost = Some(reason),
            ClientEvent::Online { .. } => hindrance.lost = None,
            ClientEvent::Failed {
                nonce: failed_nonce,
                error,
            } if failed_nonce == *nonce => {
                return Err(failed(format!("not sent: {}", error.message)));
            }
            _ => {}
        }
    }
}

/// What a node said of itself tells more than that a connection was lost.
fn unacknowledged(hindrance: &Hindrance) -> Stop {
    let reason = hindrance.refused.as_ref().or(hindrance.lost.as_ref());
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    failed(format!(
        "no node has acknowledged the message within {} s{reason}; it may have been stored",
        PATIENCE.as_secs()
    ))
}

/// All of standard input. What is not UTF-8 in it is replaced.
fn read_input() -> Result<String, Stop> {
    if std::io::stdin().is_terminal() {
        say(PROGRAM, "type the message, and end it with Ctrl-D");
    }
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().take(INPUT_BYTES_MAX + 1);
    let read = input.read_to_end(&mut bytes);
    read.map_err(|error| failed(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(failed(format!(
            "standard input has more than {INPUT_BYTES_MAX} bytes: nothing was sent"
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text as one message, or as several, cut at line ends where it is too long for one. Parts with
/// nothing to be seen in them are left out.
fn messages(text: &str) -> Vec<Text> {
    let mut parts = vec![String::new()];
    let mut chars = 0;
    for line in text.trim_end().split_inclusive('\n').flat_map(pieces) {
        let count = line.chars().count();
        if chars + count > TEXT_CHARS_MAX {
            parts.push(String::new());
            chars = 0;
        }
        chars += count;
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
        }
    }
    let parts = parts.iter().map(|part| part.trim_end_matches(['\r', '\n']));
    parts.filter_map(|part| Text::parse(part).ok()).collect()
}

/// A line, in pieces where it is too long for a message itself.
fn pieces(mut line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while let Some((end, _)) = line.char_indices().nth(TEXT_CHARS_MAX) {
        let (piece, rest) = line.split_at(end);
        pieces.push(piece);
        line = rest;
    }
    pieces.push(line);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        messages(text)
            .iter()
            .map(|text| text.as_str().to_owned())
            .collect()
    }

    #[test]
    fn who_gives_up_says_why_in_the_words_of_a_node_if_there_are_any() {
        let full = || Some("the disk is full".to_owned());
        let reset = || Some("connection reset".to_owned());
        for (refused, lost, why) in [
            (None, None, "within 30 s; it may"),
            (None, reset(), "within 30 s (connection reset); it may"),
            (full(), reset(), "within 30 s (the disk is full); it may"),
        ] {
            let Stop::Failed(line) = unacknowledged(&Hindrance { refused, lost }) else {
                panic!("it has failed");
            };
            assert!(line.contains(why), "{line}");
        }
    }

    #[test]
    fn a_paste_is_one_message_however_many_lines_it_has() {
        assert_eq!(split("one\n  two\n\nthree\n"), ["one\n  two\n\nthree"]);
        assert_eq!(split(" \n\n"), [""; 0]);
    }

    #[test]
    fn a_text_of_4000_characters_is_one_message_and_one_more_makes_two() {
        assert_eq!(split(&"é".repeat(4000)).len(), 1);
        assert_eq!(split(&"é".repeat(4001)), ["é".repeat(4000), "é".to_owned()]);
    }

    #[test]
    fn a_long_text_is_cut_at_line_ends_and_nothing_of_it_is_lost() {
        let lines: Vec<String> = (0..900)
            .map(|n| format!("line {n} of a long table"))
            .collect();
        let text = lines.join("\n");
        let parts = split(&text);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.chars().count() <= 4000));
        assert_eq!(parts.join("\n"), text);
    }
}
