//! Colours: the terminal's own sixteen, or none at all.

use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use super::markup::Kind;
use crate::protocol::Uid;

/// What the colours are chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// Light letters on black, whatever the terminal has.
    Dark,
    /// Dark letters on white.
    Light,
    /// The terminal's own letters and ground, which are not known: colours that can be read on both.
    #[default]
    Terminal,
}

/// How things look. Without colour they differ by weight, and every state is said in words too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub ground: Ground,
    pub colour: bool,
}

/// The colours for one ground.
struct Palette {
    /// Letters and ground; none where they are the terminal's own.
    base: Option<(Color, Color)>,
    /// What is beside the point; where no grey is to be trusted it is dimmed.
    quiet: Option<Color>,
    accent: Color,
    warning: Color,
    wrong: Color,
    link: Option<Color>,
    code: Color,
    keyword: Color,
    string: Color,
    number: Color,
    kind: Color,
    /// What a person's name may be coloured with.
    names: &'static [Color],
}

const DARK: Palette = Palette {
    base: Some((Color::Gray, Color::Black)),
    quiet: Some(Color::DarkGray),
    accent: Color::LightYellow,
    warning: Color::LightYellow,
    wrong: Color::LightRed,
    link: Some(Color::LightCyan),
    code: Color::LightCyan,
    keyword: Color::LightMagenta,
    string: Color::LightGreen,
    number: Color::LightCyan,
    kind: Color::Yellow,
    names: &[
        Color::Cyan,
        Color::Green,
        Color::Yellow,
        Color::LightRed,
        Color::LightGreen,
        Color::LightMagenta,
        Color::LightBlue,
        Color::LightCyan,
    ],
};

const LIGHT: Palette = Palette {
    base: Some((Color::Black, Color::White)),
    quiet: Some(Color::DarkGray),
    accent: Color::Blue,
    warning: Color::Magenta,
    wrong: Color::Red,
    link: Some(Color::Blue),
    code: Color::Magenta,
    keyword: Color::Magenta,
    string: Color::Green,
    number: Color::Blue,
    kind: Color::Cyan,
    names: &[
        Color::Red,
        Color::Green,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::LightBlue,
        Color::LightRed,
        Color::LightMagenta,
    ],
};

/// Neither yellow nor bright green and cyan: nobody reads them on white; nor blue, nobody on black.
const TERMINAL: Palette = Palette {
    base: None,
    quiet: None,
    accent: Color::Magenta,
    warning: Color::Magenta,
    wrong: Color::Red,
    link: None,
    code: Color::LightBlue,
    keyword: Color::Magenta,
    string: Color::Green,
    number: Color::LightBlue,
    kind: Color::Cyan,
    names: &[
        Color::Red,
        Color::Green,
        Color::Magenta,
        Color::Cyan,
        Color::LightBlue,
        Color::LightRed,
        Color::LightMagenta,
    ],
};

impl Ground {
    pub const ALL: [Ground; 3] = [Ground::Dark, Ground::Light, Ground::Terminal];

    /// Reads `dark`, `light` or `terminal`.
    ///
    /// # Errors
    /// When it is none of them; with those that there are.
    pub fn parse(text: &str) -> Result<Ground, String> {
        let named = |ground: &Ground| ground.to_string() == text.trim().to_lowercase();
        let found = Ground::ALL.into_iter().find(named);
        found.ok_or_else(|| "themes are dark, light and terminal".to_owned())
    }

    fn palette(self) -> &'static Palette {
        match self {
            Ground::Dark => &DARK,
            Ground::Light => &LIGHT,
            Ground::Terminal => &TERMINAL,
        }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ground::Dark => "dark",
            Ground::Light => "light",
            Ground::Terminal => "terminal",
        })
    }
}

impl Theme {
    pub fn new(ground: Ground, colour: bool) -> Theme {
        Theme { ground, colour }
    }

    fn paint(self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    fn palette(self) -> &'static Palette {
        self.ground.palette()
    }

    /// Gives whatever has no colours of its own the theme's letters and ground.
    pub fn fill(self, buffer: &mut Buffer) {
        let Some((letters, ground)) = self.palette().base.filter(|_| self.colour) else {
            return;
        };
        for cell in &mut buffer.content {
            if cell.fg == Color::Reset {
                cell.fg = letters;
            }
            if cell.bg == Color::Reset {
                cell.bg = ground;
            }
        }
    }

    pub fn plain(self) -> Style {
        Style::new()
    }

    /// What is beside the point: times, separators, notices.
    pub fn quiet(self) -> Style {
        match self.palette().quiet.filter(|_| self.colour) {
            Some(grey) => Style::new().fg(grey),
            None => Style::new().add_modifier(Modifier::DIM),
        }
    }

    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub fn good(self) -> Style {
        self.paint(Color::Green)
    }

    pub fn warning(self) -> Style {
        self.bold(self.palette().warning)
    }

    pub fn wrong(self) -> Style {
        self.bold(self.palette().wrong)
    }

    /// What wants to be seen: a mention, something unread.
    pub fn accent(self) -> Style {
        self.bold(self.palette().accent)
    }

    fn bold(self, colour: Color) -> Style {
        self.paint(colour).add_modifier(Modifier::BOLD)
    }

    /// This person's own name, where somebody says it.
    pub fn own_name(self) -> Style {
        self.accent().add_modifier(Modifier::REVERSED)
    }

    /// Letters that were looked for.
    pub fn matched(self) -> Style {
        self.accent().add_modifier(Modifier::UNDERLINED)
    }

    /// The row or tab that is chosen.
    pub fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub fn link(self) -> Style {
        let style = self.palette().link.map_or(Style::new(), |c| self.paint(c));
        style.add_modifier(Modifier::UNDERLINED)
    }

    /// Code within a line.
    pub fn inline_code(self) -> Style {
        self.paint(self.palette().code)
    }

    /// A stretch of a block of code.
    pub fn code(self, kind: Kind) -> Style {
        let palette = self.palette();
        match kind {
            Kind::Plain => self.plain(),
            Kind::Comment => self.quiet(),
            Kind::Keyword => self.paint(palette.keyword),
            Kind::String | Kind::Added => self.paint(palette.string),
            Kind::Number => self.paint(palette.number),
            Kind::Name => self.strong(),
            Kind::Type => self.paint(palette.kind),
            Kind::Removed => self.paint(palette.wrong),
        }
    }

    /// The same colour for the same person, everywhere and at every start.
    pub fn name(self, uid: &Uid) -> Style {
        // FNV-1a.
        let hash = uid.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let names = self.palette().names;
        self.paint(names[hash as usize % names.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sixteen as terminals have them, by what they ship with: xterm, VGA (the Linux console, PuTTY nearly),
    /// GNOME, Windows, macOS.
    #[rustfmt::skip]
    const TERMINALS: [[u32; 16]; 5] = [
        [0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
         0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff],
        [0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
         0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff],
        [0x171421, 0xc01c28, 0x26a269, 0xa2734c, 0x12488b, 0xa347ba, 0x2aa1b3, 0xd0cfcc,
         0x5e5c64, 0xf66151, 0x33da7a, 0xe9ad0c, 0x2a7bde, 0xc061cb, 0x33c7de, 0xffffff],
        [0x0c0c0c, 0xc50f1f, 0x13a10e, 0xc19c00, 0x0037da, 0x881798, 0x3a96dd, 0xcccccc,
         0x767676, 0xe74856, 0x16c60c, 0xf9f1a5, 0x3b78ff, 0xb4009e, 0x61d6d6, 0xf2f2f2],
        [0x000000, 0x990000, 0x00a600, 0x999900, 0x0000b2, 0xb200b2, 0x00a6b2, 0xbfbfbf,
         0x666666, 0xe50000, 0x00d900, 0xe5e500, 0x0000ff, 0xe500e5, 0x00e5e5, 0xe5e5e5],
    ];

    /// Contrast of two colours (WCAG 2.2).
    fn contrast(one: u32, other: u32) -> f64 {
        let light = |colour: u32| {
            let part = |shift: u32| {
                let share = f64::from((colour >> shift) & 0xff) / 255.0;
                if share <= 0.04045 {
                    share / 12.92
                } else {
                    ((share + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
        };
        let (one, other) = (light(one), light(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn number(colour: Color) -> usize {
        let all = [
            Color::Black,
            Color::Red,
            Color::Green,
            Color::Yellow,
            Color::Blue,
            Color::Magenta,
            Color::Cyan,
            Color::Gray,
            Color::DarkGray,
            Color::LightRed,
            Color::LightGreen,
            Color::LightYellow,
            Color::LightBlue,
            Color::LightMagenta,
            Color::LightCyan,
            Color::White,
        ];
        all.iter().position(|other| *other == colour).unwrap()
    }

    #[test]
    fn every_colour_can_be_told_from_the_ground_on_every_terminal() {
        for ground in Ground::ALL {
            let palette = ground.palette();
            let (dark, light) = match ground {
                Ground::Dark => (true, false),
                Ground::Light => (false, true),
                Ground::Terminal => (true, true),
            };
            let mut used = palette.names.to_vec();
            used.extend(palette.quiet.iter().chain(&palette.link));
            used.extend([palette.accent, palette.warning, palette.wrong]);
            used.extend([palette.code, palette.keyword, palette.string]);
            used.extend([palette.number, palette.kind, Color::Green]);
            for colour in used {
                for terminal in TERMINALS {
                    let seen = terminal[number(colour)];
                    let on_black = contrast(seen, terminal[0]);
                    let on_white = contrast(seen, terminal[15]);
                    assert!(!dark || on_black > 1.9, "{ground} {colour}: {on_black}");
                    assert!(!light || on_white > 1.9, "{ground} {colour}: {on_white}");
                }
            }
        }
    }

    #[test]
    fn a_person_keeps_the_colour_and_without_colours_there_are_none() {
        let uid = Uid::parse("k7q2m4").unwrap();
        for ground in Ground::ALL {
            let theme = Theme::new(ground, true);
            assert_eq!(theme.name(&uid), theme.name(&uid));
            let plain = Theme::new(ground, false);
            for style in [plain.name(&uid), plain.wrong(), plain.quiet(), plain.good()] {
                assert_eq!((style.fg, style.bg), (None, None));
            }
        }
    }

    #[test]
    fn a_theme_is_called_by_its_name() {
        for ground in Ground::ALL {
            assert_eq!(Ground::parse(&ground.to_string()), Ok(ground));
        }
        assert!(Ground::parse("solarized").is_err());
    }
}
