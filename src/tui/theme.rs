//! Colours: the terminal's own sixteen, or none at all.

use ratatui::style::{Color, Modifier, Style};

use crate::protocol::Uid;

/// What a person's name may be coloured with: those that can be read on dark and on light.
const NAMES: [Color; 10] = [
    Color::Cyan,
    Color::Green,
    Color::Magenta,
    Color::Blue,
    Color::Yellow,
    Color::LightCyan,
    Color::LightGreen,
    Color::LightMagenta,
    Color::LightBlue,
    Color::LightRed,
];

/// How things look. Without colour they differ by weight, and every state is said in words too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub colour: bool,
}

impl Theme {
    fn paint(self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    pub fn plain(self) -> Style {
        Style::new()
    }

    /// What is beside the point: times, separators, notices.
    pub fn quiet(self) -> Style {
        self.paint(Color::DarkGray).add_modifier(if self.colour {
            Modifier::empty()
        } else {
            Modifier::DIM
        })
    }

    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub fn good(self) -> Style {
        self.paint(Color::Green)
    }

    pub fn warning(self) -> Style {
        self.paint(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub fn wrong(self) -> Style {
        self.paint(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What wants to be seen: a mention, something unread.
    pub fn accent(self) -> Style {
        self.paint(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// Letters that were looked for.
    pub fn matched(self) -> Style {
        self.accent().add_modifier(Modifier::UNDERLINED)
    }

    /// The row or tab that is chosen.
    pub fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The same colour for the same person, everywhere and at every start.
    pub fn name(self, uid: &Uid) -> Style {
        // FNV-1a.
        let hash = uid.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let at = hash as usize % NAMES.len();
        self.paint(NAMES[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_keeps_the_colour_and_without_colours_there_are_none() {
        let uid = Uid::parse("k7q2m4").unwrap();
        let theme = Theme { colour: true };
        assert_eq!(theme.name(&uid), theme.name(&uid));
        let plain = Theme { colour: false };
        for style in [plain.name(&uid), plain.wrong(), plain.quiet(), plain.good()] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
