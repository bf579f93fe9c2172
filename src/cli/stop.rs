//! How a program ends that cannot do what it was asked: one line, an exit code.

use std::process::ExitCode;

use crate::protocol::text::clean;

/// What it takes to end with words.
#[derive(Debug)]
pub enum Stop {
    /// The command line could not be read, or was `--help`: clap has the words and the code.
    Usage(Box<clap::Error>),
    /// Wrong usage, exit code 2: an option's value, the configuration file.
    Wrong(String),
    /// It failed, exit code 1.
    Failed(String),
    /// Exit code 1 after everything has been said.
    Quietly,
}

/// It failed, and this is why.
pub fn failed(why: impl std::fmt::Display) -> Stop {
    Stop::Failed(why.to_string())
}

/// It was called wrongly, and this is how.
pub fn wrong(how: impl std::fmt::Display) -> Stop {
    Stop::Wrong(how.to_string())
}

impl Stop {
    /// Says it on standard error, for `program`.
    pub fn report(self, program: &str) -> ExitCode {
        let (code, line) = match self {
            Stop::Usage(error) => {
                let code = u8::try_from(error.exit_code()).unwrap_or(2);
                // A closed pipe behind `--help | head` is no failure.
                let _ = error.print();
                return ExitCode::from(code);
            }
            Stop::Wrong(line) => (2, line),
            Stop::Failed(line) => (1, line),
            Stop::Quietly => return ExitCode::FAILURE,
        };
        say(program, &line);
        ExitCode::from(code)
    }
}

/// One line on standard error, cleaned: parts of it may come from elsewhere. Nobody may be there to
/// read it, and that changes nothing.
pub fn say(program: &str, line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{program}: {}", clean(line, false));
}
