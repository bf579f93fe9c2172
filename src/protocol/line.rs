//! Bytes into lines: length, encoding, telnet's negotiation. No I/O; the reader feeds it.

use super::error::{ErrorCode, Refusal};

/// What a client sent, a line at a time.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Without its line end; never blank.
    Text(String),
    /// Too long, or not UTF-8: skipped, and to be answered with this.
    Skipped(Refusal),
}

/// Takes bytes as they come and gives lines. Between lines it holds no memory.
#[derive(Debug)]
pub struct LineBuffer {
    line: Vec<u8>,
    bytes_max: usize,
    /// The rest of the line is being skipped.
    too_long: bool,
    telnet: Telnet,
    /// Timing marks (RFC 860) that were asked for and are not answered yet.
    marks: usize,
}

/// Where in a telnet option negotiation (RFC 854) the last byte stood.
#[derive(Debug, PartialEq, Eq)]
enum Telnet {
    Data,
    /// After IAC.
    Command,
    /// After IAC and WILL, WONT or DONT: the option follows.
    Option,
    /// After IAC DO: the option follows.
    Do,
    /// Between IAC SB and IAC SE.
    Sub,
    /// After IAC within a subnegotiation.
    SubCommand,
}

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
const WILL: u8 = 251;
const DO: u8 = 253;
const TIMING_MARK: u8 = 6;

/// The answer to a timing mark that was asked for: a telnet that sends one after an interrupt shows
/// nothing more until this comes back.
pub const TIMING_MARK_ANSWER: [u8; 3] = [IAC, WILL, TIMING_MARK];

/// Timing marks that wait to be answered, at most: one answer serves a telnet as well as many.
const MARKS_MAX: usize = 16;

impl LineBuffer {
    /// Lines of `bytes_max` bytes at most, the line end not counted.
    pub fn new(bytes_max: usize) -> LineBuffer {
        LineBuffer {
            line: Vec::new(),
            bytes_max,
            too_long: false,
            telnet: Telnet::Data,
            marks: 0,
        }
    }

    /// Takes bytes from the front of `input` up to the end of a line, and gives that line; `None`
    /// when the input is used up.
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Line> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            match self.data(byte) {
                Some(b'\n') => {
                    if let Some(line) = self.finish() {
                        return Some(line);
                    }
                }
                Some(byte) => self.push(byte),
                None => {}
            }
        }
        None
    }

    /// Whether it is between lines, and as it was made.
    pub fn is_idle(&self) -> bool {
        self.line.is_empty() && !self.too_long && self.telnet == Telnet::Data && self.marks == 0
    }

    /// How many timing marks were asked for since this was last called; each is to be answered with
    /// [`TIMING_MARK_ANSWER`].
    pub fn take_marks(&mut self) -> usize {
        std::mem::take(&mut self.marks)
    }

    /// The byte, unless it belongs to a negotiation. IAC is no byte of UTF-8, so text never meets this.
    fn data(&mut self, byte: u8) -> Option<u8> {
        let (next, data) = match (&self.telnet, byte) {
            (Telnet::Data, IAC) => (Telnet::Command, None),
            (Telnet::Data, byte) => return Some(byte),
            (Telnet::Command, DO) => (Telnet::Do, None),
            (Telnet::Command, 251..=254) => (Telnet::Option, None),
            (Telnet::Command, SB) => (Telnet::Sub, None),
            // IAC IAC is an escaped 255, which is not UTF-8: it goes on to be refused as such.
            (Telnet::Command, IAC) => (Telnet::Data, Some(IAC)),
            (Telnet::Do, TIMING_MARK) => {
                self.marks = (self.marks + 1).min(MARKS_MAX);
                (Telnet::Data, None)
            }
            (Telnet::Command | Telnet::Option | Telnet::Do, _) => (Telnet::Data, None),
            (Telnet::Sub, IAC) => (Telnet::SubCommand, None),
            (Telnet::Sub, _) => (Telnet::Sub, None),
            (Telnet::SubCommand, SE) => (Telnet::Data, None),
            (Telnet::SubCommand, _) => (Telnet::Sub, None),
        };
        self.telnet = next;
        data
    }

    fn push(&mut self, byte: u8) {
        // One more than the limit is kept, for the `\r` of a line of full length.
        if self.line.len() > self.bytes_max {
            self.too_long = true;
        } else if !self.too_long {
            self.line.push(byte);
        }
    }

    fn finish(&mut self) -> Option<Line> {
        let mut line = std::mem::take(&mut self.line);
        let mut too_long = std::mem::take(&mut self.too_long);
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        too_long |= line.len() > self.bytes_max;
        if too_long {
            let message = format!(
                "a line has {} bytes at most; it was skipped",
                self.bytes_max
            );
            return Some(Line::Skipped(Refusal::new(ErrorCode::LineTooLong, message)));
        }
        match String::from_utf8(line) {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(Line::Text(text)),
            Err(_) => {
                let message = "a line is UTF-8; it was skipped";
                Some(Line::Skipped(Refusal::new(ErrorCode::NotUtf8, message)))
            }
        }
    }
}

/// Whether a line is the first of an HTTP request: a browser was led here by a hostile page.
pub fn is_http_request(line: &str) -> bool {
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default();
    let (target, version) = (words.next(), words.next());
    !method.is_empty()
        && method.bytes().all(|b| b.is_ascii_uppercase())
        && target.is_some()
        && version.is_some_and(|v| v.starts_with("HTTP/"))
        && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes_max: usize, chunks: &[&[u8]]) -> Vec<Result<String, ErrorCode>> {
        let mut buffer = LineBuffer::new(bytes_max);
        let mut lines = Vec::new();
        for mut chunk in chunks.iter().copied() {
            while let Some(line) = buffer.next(&mut chunk) {
                lines.push(match line {
                    Line::Text(text) => Ok(text),
                    Line::Skipped(refusal) => Err(refusal.code),
                });
            }
        }
        lines
    }

    #[test]
    fn lines_come_out_however_the_bytes_were_cut() {
        let all = b"one\r\ntwo\n\n  \r\nthree\n";
        for at in 0..all.len() {
            let (head, tail) = all.split_at(at);
            let read = lines(10, &[head, tail]);
            assert_eq!(
                read,
                [Ok("one".into()), Ok("two".into()), Ok("three".into())]
            );
        }
    }

    #[test]
    fn a_line_of_full_length_passes_and_one_byte_more_is_skipped() {
        let read = lines(4, &[b"1234\r\n1234\n12345\r\n12345678901234\nok\n"]);
        let long = Err(ErrorCode::LineTooLong);
        let full = Ok("1234".to_owned());
        assert_eq!(
            read,
            [full.clone(), full, long.clone(), long, Ok("ok".into())]
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_are_skipped() {
        let read = lines(10, &[b"a\xc3\x28\nok\n\xff\xff\n"]);
        assert_eq!(
            read,
            [
                Err(ErrorCode::NotUtf8),
                Ok("ok".into()),
                Err(ErrorCode::NotUtf8)
            ]
        );
    }

    #[test]
    fn telnets_negotiation_is_skipped_wherever_it_stands() {
        let bytes = b"\xff\xfb\x1fal\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0ice\xff\xf1\r\n";
        for at in 0..bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(lines(10, &[head, tail]), [Ok("alice".to_owned())]);
        }
    }

    #[test]
    fn a_timing_mark_that_is_asked_for_is_counted_to_be_answered() {
        let mut buffer = LineBuffer::new(10);
        let mut input: &[u8] = b"a\xff\xf4\xff\xfd\x06b\n";
        assert_eq!(buffer.next(&mut input), Some(Line::Text("ab".to_owned())));
        assert_eq!((buffer.take_marks(), buffer.take_marks()), (1, 0));
    }

    #[test]
    fn an_http_request_line_is_known_and_talk_about_it_is_not() {
        assert!(is_http_request("GET / HTTP/1.1"));
        assert!(is_http_request("POST /send HTTP/1.0"));
        assert!(!is_http_request("GET a beer"));
        assert!(!is_http_request("is it HTTP/1.1 or HTTP/2"));
    }
}
