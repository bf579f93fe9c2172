//! Frames as browsers send them, whole and in pieces.

use super::*;

const MASK: [u8; 4] = [0xa1, 0x02, 0x73, 0x5e];

/// First byte of a frame: whether it is the last of its message, and its opcode.
const LAST: u8 = 0x80;
const CONTINUE: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame, written by hand: the other side of what is tested.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        small @ 0..=125 => bytes.push(0x80 | small as u8),
        middle @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        large => {
            bytes.push(0x80 | 127);
            bytes.extend((large as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

/// What is said when these bytes come in pieces of this size, in words.
fn said_in(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut incoming = Incoming::default();
    let mut said = Vec::new();
    for piece in bytes.chunks(piece) {
        let mut piece = piece.to_vec();
        let mut input = piece.as_mut_slice();
        loop {
            match incoming.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Event::Text(text))) => said.push(text.into_owned()),
                Ok(Some(event)) => said.push(format!("{event:?}")),
                Err(code) => {
                    said.push(format!("close {code}"));
                    return said;
                }
            }
        }
        assert!(input.is_empty());
    }
    said.push(
        if incoming.0.is_none() {
            "nothing held"
        } else {
            "more"
        }
        .to_owned(),
    );
    said
}

/// The same in pieces of any size, however the bytes are cut.
fn said(frames: &[Vec<u8>]) -> Vec<String> {
    let bytes = frames.concat();
    let whole = said_in(&bytes, usize::MAX);
    for piece in 1..bytes.len().min(40) {
        assert_eq!(said_in(&bytes, piece), whole, "in pieces of {piece}");
    }
    whole
}

#[test]
fn texts_come_out_whole_however_they_were_cut() {
    let long = "é".repeat(100);
    let frames = [
        frame(LAST | TEXT, b"one"),
        frame(LAST | TEXT, b""),
        frame(LAST | TEXT, long.as_bytes()),
        frame(LAST | BINARY, &[0xff; 3]),
        frame(LAST | PONG, b"x"),
    ];
    let expected = ["one", "", &long, "Binary", "Pong", "nothing held"];
    assert_eq!(said(&frames), expected);
}

#[test]
fn control_frames_may_stand_between_the_frames_of_a_message() {
    // The cut goes through a letter, which is allowed.
    let frames = [
        frame(TEXT, b"caf\xc3"),
        frame(LAST | PING, b"now"),
        frame(CONTINUE, b"\xa9 "),
        frame(CONTINUE, b""),
        frame(LAST | PONG, b""),
        frame(LAST | CONTINUE, b"noir"),
        frame(BINARY, b"a"),
        frame(LAST | CONTINUE, b"b"),
        frame(LAST | TEXT, b"next"),
    ];
    let ping = format!("Ping({:?})", b"now");
    let expected = [&ping, "Pong", "café noir", "Binary", "next", "nothing held"];
    assert_eq!(said(&frames), expected);
}

#[test]
fn a_text_too_long_for_a_frame_is_skipped_without_keeping_it() {
    let (longest, longer) = ("x".repeat(LINE_BYTES_MAX), "x".repeat(LINE_BYTES_MAX + 1));
    for piece in [1000, 70_000, usize::MAX] {
        let bytes = frame(LAST | TEXT, longest.as_bytes());
        assert_eq!(said_in(&bytes, piece), [&longest, "nothing held"]);
        let bytes = frame(LAST | TEXT, longer.as_bytes());
        assert_eq!(said_in(&bytes, piece), ["TooLong", "nothing held"]);
    }
    let mut incoming = Incoming::default();
    let mut bytes = frame(TEXT, longer.as_bytes());
    assert_eq!(incoming.next(&mut bytes.as_mut_slice()), Ok(None));
    let message = incoming.0.unwrap().message.unwrap();
    assert_eq!(message.text.capacity(), 0);
}

#[test]
fn a_message_of_a_mebibyte_is_skipped_and_one_byte_more_is_too_large() {
    let most = usize::try_from(SKIPPED_BYTES_MAX).unwrap();
    let (largest, too_large) = (vec![b'x'; most], vec![b'x'; most + 1]);
    let of = |frames: &[Vec<u8>]| said_in(&frames.concat(), 16 * 1024);
    let skipped = ["TooLong", "nothing held"];
    assert_eq!(of(&[frame(LAST | TEXT, &largest)]), skipped);
    let halves = |bytes: &[u8]| {
        let (one, other) = bytes.split_at(most / 2);
        [frame(TEXT, one), frame(LAST | CONTINUE, other)]
    };
    assert_eq!(of(&halves(&largest)), skipped);
    for frames in [&halves(&too_large)[..], &[frame(LAST | BINARY, &too_large)]] {
        assert_eq!(of(frames), ["close 1009"]);
    }
    // It is known from the head alone.
    let mut head = vec![LAST | TEXT, 0x80 | 127];
    head.extend(u64::MAX.to_be_bytes());
    head.extend(MASK);
    assert_eq!(of(&[head]), ["close 1009"]);
}

#[test]
fn what_is_no_websocket_ends_with_1002() {
    let plain = vec![LAST | TEXT, 2, b'h', b'i'];
    let wrong = [
        plain,
        frame(LAST | 0x40 | TEXT, b"rsv1"),
        frame(LAST | 0x20 | TEXT, b"rsv2"),
        frame(LAST | 0x10 | PING, b"rsv3"),
        frame(LAST | 3, b"reserved"),
        frame(LAST | 0x0b, b"reserved"),
        frame(LAST | CONTINUE, b"of nothing"),
        frame(PING, b"in parts"),
        frame(LAST | PING, &[0; 126]),
        frame(LAST | CLOSE, &[3]),
        frame(LAST | CLOSE, &1005u16.to_be_bytes()),
        frame(LAST | CLOSE, &999u16.to_be_bytes()),
        [frame(TEXT, b"a"), frame(LAST | TEXT, b"b")].concat(),
    ];
    for frames in wrong {
        assert_eq!(
            said(std::slice::from_ref(&frames)),
            ["close 1002"],
            "{frames:?}"
        );
        // A message that was whole before it is not lost.
        let behind = [frame(LAST | TEXT, b"well"), frames];
        assert_eq!(said(&behind), ["well", "close 1002"]);
    }
}

#[test]
fn a_text_or_a_reason_that_is_not_utf8_ends_with_1007() {
    let of = |frames: &[Vec<u8>]| said(frames);
    assert_eq!(of(&[frame(LAST | TEXT, b"\xc3\x28")]), ["close 1007"]);
    let parts = [frame(TEXT, b"\xc3"), frame(LAST | CONTINUE, b"\x28")];
    assert_eq!(of(&parts), ["close 1007"]);
    let reason = [&1000u16.to_be_bytes()[..], b"\xff"].concat();
    assert_eq!(of(&[frame(LAST | CLOSE, &reason)]), ["close 1007"]);
}

#[test]
fn a_closing_has_a_code_or_none() {
    let told = |payload: &[u8]| said(&[frame(LAST | CLOSE, payload)]).remove(0);
    assert_eq!(told(b""), "Close(None)");
    assert_eq!(told(&1000u16.to_be_bytes()), "Close(Some(Normal))");
    let going = [&1001u16.to_be_bytes()[..], b"tab closed"].concat();
    assert_eq!(told(&going), "Close(Some(Away))");
    assert!(told(&4000u16.to_be_bytes()).starts_with("Close(Some("));
}

#[test]
fn any_bytes_do_no_more_than_end_the_connection() {
    use proptest::prelude::*;
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1usize..20)| {
        prop_assert_eq!(said_in(&bytes, piece), said_in(&bytes, usize::MAX));
    });
}
