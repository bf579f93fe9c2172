//! From the client's lines to the session, and from frames to what the client reads: JSON, or, in
//! text mode, plain text.

use jiff::tz::TimeZone;

use super::input::Input;
use super::state::State;
use super::{Mode, Phase};
use crate::node::shared::Shared;
use crate::node::text_mode::TextMode;
use crate::protocol::bridge::Hello;
use crate::protocol::line::{Line, TIMING_MARK_ANSWER, is_http_request};
use crate::protocol::{Refusal, ServerFrame};

impl State {
    /// Hands lines to the session as long as it takes them.
    pub(super) fn take_lines(&mut self, input: &mut Input, shared: &Shared) {
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
            let line = input.next();
            for _ in 0..input.take_marks() {
                self.output.bytes().extend(TIMING_MARK_ANSWER);
            }
            match line {
                Some(Line::Text(line)) => self.take_line(&line, shared),
                Some(Line::Skipped(refusal)) => self.take_skipped(refusal),
                None => return,
            }
        }
    }

    fn takes_lines(&self) -> bool {
        let stopping = Phase::Finishing { stopping: true };
        let alive = self.phase == Phase::Open || matches!(self.phase, Phase::Finishing { .. });
        alive && self.phase != stopping && self.answers.has_room() && self.has_room()
    }

    /// Whether there is something that [`State::take_lines`] would take.
    pub(super) fn may_take(&self, input: &Input) -> bool {
        let is_there = match &self.mode {
            Mode::Text(text) => text.has_requests() || (input.has_rest() && !text.is_waiting()),
            Mode::Frames | Mode::Unknown => input.has_rest(),
        };
        is_there && self.takes_lines()
    }

    fn take_line(&mut self, line: &str, shared: &Shared) {
        if is_http_request(line) {
            // A browser that a hostile page led here: what follows is not to be carried out.
            self.phase = Phase::Broken;
            return;
        }
        if matches!(self.mode, Mode::Unknown)
            && let Some(hello) = Hello::read(line)
        {
            self.phase = Phase::Bridge(Box::new(hello));
            return;
        }
        if matches!(self.mode, Mode::Unknown) {
            self.mode = Mode::of(line, shared);
        }
        match &mut self.mode {
            Mode::Text(text) => text.typed(line, self.output.bytes()),
            Mode::Frames | Mode::Unknown => {
                let handling = self.session.take(line);
                self.answers.push(handling);
            }
        }
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
    /// The first line decides what the client speaks.
    fn of(line: &str, shared: &Shared) -> Mode {
        if line.trim_start().starts_with('{') {
            return Mode::Frames;
        }
        Mode::Text(Box::new(TextMode::new(TimeZone::system(), shared.now())))
    }

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
