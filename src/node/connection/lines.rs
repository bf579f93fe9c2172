//! From the client's lines to the session, and from frames to what the client reads: JSON, or, in
//! text mode, plain text.

use jiff::tz::TimeZone;
use tokio::time::Instant;

use super::{Connection, Mode, OUTPUT_BYTES_HIGH, Phase};
use crate::node::text_mode::TextMode;
use crate::protocol::bridge::Hello;
use crate::protocol::line::{Line, TIMING_MARK_ANSWER, is_http_request};
use crate::protocol::{Refusal, ServerFrame};

impl Connection {
    /// Hands lines to the session as long as it takes them.
    pub(super) fn take_lines(&mut self) {
        while self.takes_lines() {
            if let Mode::Text(text) = &mut self.mode {
                if let Some(request) = text.next_request() {
                    let handling = self.session.request(request);
                    self.answers.push(handling);
                    continue;
                }
                if text.is_waiting() {
                    return;
                }
            }
            let line = self.input.next();
            for _ in 0..self.input.take_marks() {
                self.output.bytes().extend(TIMING_MARK_ANSWER);
            }
            match line {
                Some(Line::Text(line)) => self.take_line(&line),
                Some(Line::Skipped(refusal)) => self.take_skipped(refusal),
                None => return,
            }
        }
    }

    fn takes_lines(&self) -> bool {
        let stopping = Phase::Finishing { stopping: true };
        let alive = self.phase == Phase::Open || matches!(self.phase, Phase::Finishing { .. });
        alive
            && self.phase != stopping
            && self.answers.has_room()
            && self.output.len() < OUTPUT_BYTES_HIGH
    }

    fn take_line(&mut self, line: &str) {
        if is_http_request(line) {
            // A browser that a hostile page led here: what follows is not to be carried out.
            self.phase = Phase::Broken;
            return;
        }
        if matches!(self.mode, Mode::Unknown)
            && let Some(hello) = Hello::read(line)
        {
            self.phase = Phase::Bridge(hello);
            return;
        }
        if matches!(self.mode, Mode::Unknown) {
            self.mode = self.mode_for(line);
        }
        match &mut self.mode {
            Mode::Text(text) => text.typed(line, self.output.bytes()),
            Mode::Frames | Mode::Unknown => {
                let handling = self.session.take(line);
                self.answers.push(handling);
            }
        }
    }

    /// The first line decides what the client speaks.
    fn mode_for(&mut self, line: &str) -> Mode {
        if line.trim_start().starts_with('{') {
            return Mode::Frames;
        }
        if self.hello.is_some() {
            self.hello = Some(Instant::now() + self.shared.tuning.text_hello);
        }
        let text = TextMode::new(TimeZone::system(), self.shared.now());
        Mode::Text(Box::new(text))
    }

    fn take_skipped(&mut self, refusal: Refusal) {
        let handling = match &mut self.mode {
            Mode::Text(text) => {
                text.skipped(&refusal, self.output.bytes());
                return;
            }
            Mode::Frames | Mode::Unknown => self.session.skipped(refusal),
        };
        self.answers.push(handling);
    }
}

impl Mode {
    /// Appends a frame as the client reads it.
    pub(super) fn write_frame(&mut self, frame: &ServerFrame, output: &mut Vec<u8>) {
        match self {
            Mode::Text(text) => text.frame(frame, output),
            Mode::Frames | Mode::Unknown => frame.encode_into(output),
        }
    }

    /// Appends a frame that is encoded already.
    pub(super) fn write_line(&mut self, line: &[u8], output: &mut Vec<u8>) {
        match self {
            Mode::Text(text) => text.frame_line(line, output),
            Mode::Frames | Mode::Unknown => output.extend_from_slice(line),
        }
    }
}
