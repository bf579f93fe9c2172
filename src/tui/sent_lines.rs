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

    /// Where the line stands that is before the one shown. One that reads the same as what is `shown` would be no
    /// step.
    pub fn before(&self, shown: &str) -> Option<usize> {
        let from = self
            .browsing
            .as_ref()
            .map_or(self.lines.len(), |(at, _)| *at);
        self.lines[..from].iter().rposition(|line| line != shown)
    }

    /// Shows the line that stands there; `current` is kept to come back to.
    pub fn show(&mut self, at: usize, current: String) -> Option<String> {
        let line = self.lines.get(at).cloned()?;
        let kept = self.browsing.take().map_or(current, |(_, kept)| kept);
        self.browsing = Some((at, kept));
        Some(line)
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
        let back = |lines: &mut SentLines, shown: &str| {
            let at = lines.before(shown)?;
            lines.show(at, shown.to_owned())
        };
        assert_eq!(back(&mut lines, "x"), None);
        lines.push("one".into());
        lines.push("two".into());
        lines.push("two".into());
        assert_eq!(back(&mut lines, "draft").unwrap(), "two");
        assert_eq!(back(&mut lines, "two").unwrap(), "one");
        assert_eq!(back(&mut lines, "one"), None);
        assert_eq!(lines.forward().unwrap(), "two");
        assert_eq!(lines.forward().unwrap(), "draft");
        assert_eq!(lines.forward(), None);
        assert_eq!(
            back(&mut lines, "two").unwrap(),
            "one",
            "two is shown already"
        );
        assert_eq!(lines.forward().unwrap(), "two");
    }
}
