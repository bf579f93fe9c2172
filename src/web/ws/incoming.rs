//! What a browser sends, taken apart into messages (RFC 6455, section 5). Pure.
//!
//! It holds nothing while a browser is silent, and of a message that is not whole only what will be
//! wanted: a text that is too long for any frame of ours is counted and not kept.

use std::borrow::Cow;
use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use crate::protocol::limits::LINE_BYTES_MAX;

/// Bytes of a message that are read to be skipped and answered; past that the connection ends, since
/// a longer one can only be meant to do harm.
pub const SKIPPED_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of a control frame's payload (RFC 6455, 5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// Bytes of the longest head of a frame: two, a length of eight, a mask of four.
const HEAD_BYTES_MAX: usize = 14;

/// What a browser has said.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    Text(Cow<'a, str>),
    /// A text longer than any frame of the protocol.
    TooLong,
    Binary,
    Ping(Cow<'a, [u8]>),
    Pong,
    Close(Option<CloseCode>),
}

/// What is not whole yet.
#[derive(Debug, Default)]
pub struct Incoming(Option<Box<Unfinished>>);

#[derive(Debug, Default)]
struct Unfinished {
    /// The beginning of a frame's head.
    head: Vec<u8>,
    /// The frame whose payload has not all come.
    frame: Option<Frame>,
    /// What has come of a control frame's payload.
    control: Vec<u8>,
    /// The message whose frames have not all come.
    message: Option<Message>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: OpCode,
    is_final: bool,
    mask: [u8; 4],
    bytes: u64,
    /// Bytes of its payload that have come.
    come: u64,
}

#[derive(Debug)]
struct Message {
    is_text: bool,
    bytes: u64,
    /// Nothing of a binary one, or of one that is too long.
    text: Vec<u8>,
}

impl Incoming {
    /// The next that was said, of what came earlier and `input`, which is moved on past it; none when
    /// all of it is taken and more must come.
    ///
    /// # Errors
    /// The code to close with when it is no WebSocket that the browser speaks, or the message is too
    /// large. What comes behind makes no sense then.
    pub fn next<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Event<'a>>, CloseCode> {
        loop {
            let begun = self.0.as_ref().and_then(|unfinished| unfinished.frame);
            let Some(mut frame) = begun.map_or_else(|| self.head(input), |f| Ok(Some(f)))? else {
                return Ok(None);
            };
            let left = usize::try_from(frame.bytes - frame.come).unwrap_or(usize::MAX);
            let payload = split_off(input, left.min(input.len()));
            unmask(payload, frame.mask, frame.come);
            frame.come += payload.len() as u64;
            if frame.come < frame.bytes {
                self.keep(frame, payload);
                return Ok(None);
            }
            if let Some(event) = self.end(frame, payload)? {
                return Ok(Some(event));
            }
        }
    }

    /// The next frame's head, if it is whole.
    fn head(&mut self, input: &mut &mut [u8]) -> Result<Option<Frame>, CloseCode> {
        if input.is_empty() {
            return Ok(None);
        }
        let earlier = self.0.as_ref().map_or(&[][..], |u| u.head.as_slice());
        let more = input.len().min(HEAD_BYTES_MAX - earlier.len());
        let (mut head, begun, bytes) = ([0; HEAD_BYTES_MAX], earlier.len(), earlier.len() + more);
        head[..begun].copy_from_slice(earlier);
        head[begun..bytes].copy_from_slice(&input[..more]);
        let mut cursor = Cursor::new(&head[..bytes]);
        // It fails on opcodes that mean nothing.
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| CloseCode::Protocol)?;
        let Some((header, payload_bytes)) = parsed else {
            split_off(input, more);
            self.unfinished().head = head[..bytes].to_vec();
            return Ok(None);
        };
        let end = usize::try_from(cursor.position()).unwrap_or(bytes);
        split_off(input, end - begun);
        if begun > 0 {
            self.unfinished().head = Vec::new();
            self.tidy();
        }
        self.allowed(&header, payload_bytes).map(Some)
    }

    /// The frame that this is the head of, if it may come now.
    fn allowed(&self, header: &FrameHeader, bytes: u64) -> Result<Frame, CloseCode> {
        let message = self.0.as_ref().and_then(|u| u.message.as_ref());
        let reserved = header.rsv1 || header.rsv2 || header.rsv3;
        let Some(mask) = header.mask.filter(|_| !reserved) else {
            return Err(CloseCode::Protocol);
        };
        let in_order = match header.opcode {
            OpCode::Control(_) => header.is_final && bytes <= CONTROL_BYTES_MAX,
            OpCode::Data(Data::Continue) => message.is_some(),
            OpCode::Data(_) => message.is_none(),
        };
        if !in_order {
            return Err(CloseCode::Protocol);
        }
        let before = message.map_or(0, |message| message.bytes);
        if matches!(header.opcode, OpCode::Data(_))
            && before.saturating_add(bytes) > SKIPPED_BYTES_MAX
        {
            return Err(CloseCode::Size);
        }
        Ok(Frame {
            opcode: header.opcode,
            is_final: header.is_final,
            mask,
            bytes,
            come: 0,
        })
    }

    /// Keeps what has come of a frame.
    fn keep(&mut self, frame: Frame, payload: &[u8]) {
        let unfinished = self.unfinished();
        unfinished.frame = Some(frame);
        match frame.opcode {
            OpCode::Control(_) => unfinished.control.extend_from_slice(payload),
            OpCode::Data(kind) => unfinished.message(kind).add(payload),
        }
    }

    /// The frame is whole with this.
    fn end<'a>(&mut self, frame: Frame, payload: &'a [u8]) -> Result<Option<Event<'a>>, CloseCode> {
        match frame.opcode {
            OpCode::Control(kind) => {
                let mut payload = Cow::Borrowed(payload);
                if let Some(unfinished) = &mut self.0 {
                    unfinished.frame = None;
                    if !unfinished.control.is_empty() {
                        let mut whole = std::mem::take(&mut unfinished.control);
                        whole.extend_from_slice(&payload);
                        payload = Cow::Owned(whole);
                    }
                    self.tidy();
                }
                control(kind, payload).map(Some)
            }
            // Mostly: a text in one frame that has come in one piece.
            OpCode::Data(Data::Text) if frame.is_final && self.0.is_none() => {
                if payload.len() > LINE_BYTES_MAX {
                    return Ok(Some(Event::TooLong));
                }
                let text = std::str::from_utf8(payload).map_err(|_| CloseCode::Invalid)?;
                Ok(Some(Event::Text(Cow::Borrowed(text))))
            }
            OpCode::Data(kind) => {
                let unfinished = self.unfinished();
                unfinished.frame = None;
                unfinished.message(kind).add(payload);
                if !frame.is_final {
                    return Ok(None);
                }
                let message = unfinished.message.take();
                self.tidy();
                message.map(Message::end).transpose()
            }
        }
    }

    fn unfinished(&mut self) -> &mut Unfinished {
        self.0.get_or_insert_default()
    }

    /// Holds nothing where nothing is unfinished.
    fn tidy(&mut self) {
        let is_empty = |unfinished: &Unfinished| {
            unfinished.head.is_empty() && unfinished.frame.is_none() && unfinished.message.is_none()
        };
        self.0.take_if(|unfinished| is_empty(unfinished));
    }
}

impl Unfinished {
    fn message(&mut self, kind: Data) -> &mut Message {
        self.message.get_or_insert_with(|| Message {
            is_text: kind == Data::Text,
            bytes: 0,
            text: Vec::new(),
        })
    }
}

impl Message {
    fn add(&mut self, payload: &[u8]) {
        self.bytes += payload.len() as u64;
        if self.is_too_long() {
            self.text = Vec::new();
        } else if self.is_text {
            self.text.extend_from_slice(payload);
        }
    }

    fn is_too_long(&self) -> bool {
        self.bytes > LINE_BYTES_MAX as u64
    }

    fn end(self) -> Result<Event<'static>, CloseCode> {
        if !self.is_text {
            return Ok(Event::Binary);
        }
        if self.is_too_long() {
            return Ok(Event::TooLong);
        }
        let text = String::from_utf8(self.text).map_err(|_| CloseCode::Invalid)?;
        Ok(Event::Text(Cow::Owned(text)))
    }
}

fn control(kind: Control, payload: Cow<'_, [u8]>) -> Result<Event<'_>, CloseCode> {
    match kind {
        Control::Ping => Ok(Event::Ping(payload)),
        Control::Pong => Ok(Event::Pong),
        Control::Close => close(&payload).map(Event::Close),
        Control::Reserved(_) => Err(CloseCode::Protocol),
    }
}

/// The code of a closing; its reason is for people, and only has to be text.
fn close(payload: &[u8]) -> Result<Option<CloseCode>, CloseCode> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(CloseCode::Protocol)
        };
    };
    let code = CloseCode::from(u16::from_be_bytes(*code));
    if !code.is_allowed() {
        return Err(CloseCode::Protocol);
    }
    std::str::from_utf8(reason).map_err(|_| CloseCode::Invalid)?;
    Ok(Some(code))
}

/// Takes the first bytes out of `input`.
fn split_off<'a>(input: &mut &'a mut [u8], bytes: usize) -> &'a mut [u8] {
    let (first, rest) = std::mem::take(input).split_at_mut(bytes);
    *input = rest;
    first
}

/// Takes the mask off these bytes, which stand behind `before` others of their frame.
fn unmask(bytes: &mut [u8], mut mask: [u8; 4], before: u64) {
    mask.rotate_left((before % 4) as usize);
    let (words, rest) = bytes.as_chunks_mut::<4>();
    let word = u32::from_ne_bytes(mask);
    for four in words {
        *four = (u32::from_ne_bytes(*four) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
#[path = "incoming_tests.rs"]
mod tests;
