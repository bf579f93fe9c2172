//! The lines this person has sent, to be called back with Up and Down.

/// Lines that are kept.
const LINES_MAX: usize = 200;

#[derive(Clone, Debug, Default)]
pub struct SentLines {
    lines: Vec<String>,
    /// The line that is shown, and what stood in the composer before.
    browsing: Option<(usize, String)>,
}

impl SentLines {
    /// Keeps a line that was sent.
    pub fn push(&mut self, line: String) {
        self.browsing = None;
        if self.lines.last() == Some(&line) {
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.remove(0);
        }
        self.lines.push(line);
    }

    /// The line before the one shown; `current` is kept to come back to.
    pub fn back(&mut self, current: String) -> Option<String> {
        let (at, kept) = match self.browsing.take() {
            Some((at, kept)) => (at.saturating_sub(1), kept),
            None if self.lines.is_empty() => return None,
            None => (self.lines.len() - 1, current),
        };
        self.browsing = Some((at, kept));
        self.lines.get(at).cloned()
    }

    /// The line after the one shown, in the end what stood there before.
    pub fn forward(&mut self) -> Option<String> {
        let (at, kept) = self.browsing.take()?;
        match self.lines.get(at + 1) {
            Some(line) => {
                self.browsing = Some((at + 1, kept));
                Some(line.clone())
            }
            None => Some(kept),
        }
    }

    pub fn is_browsing(&self) -> bool {
        self.browsing.is_some()
    }

    /// Another text is written: the next call back begins at the newest line.
    pub fn stop(&mut self) {
        self.browsing = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_newest_first_and_the_unsent_one_last() {
        let mut lines = SentLines::default();
        assert_eq!(lines.back("x".into()), None);
        lines.push("one".into());
        lines.push("two".into());
        lines.push("two".into());
        assert_eq!(lines.back("draft".into()).unwrap(), "two");
        assert_eq!(lines.back("two".into()).unwrap(), "one");
        assert_eq!(lines.back("one".into()).unwrap(), "one");
        assert_eq!(lines.forward().unwrap(), "two");
        assert_eq!(lines.forward().unwrap(), "draft");
        assert_eq!(lines.forward(), None);
    }
}
