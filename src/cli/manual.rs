//! `chat completions` and `chat man`: the options of all programs, as shells and `man` read them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::Shell;

use super::args::Completions;
use super::stop::{Stop, failed};
use super::{Program, definition};

/// Prints a shell's completions, of one program or of all.
///
/// # Errors
/// When they cannot be written.
pub(super) fn completions(asked: &Completions) -> Result<(), Stop> {
    let script = script(asked.shell, asked.program.as_deref());
    match io::stdout().write_all(&script) {
        // Whoever reads has enough: `chat completions bash | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| failed(format!("cannot write: {error}"))),
    }
}

fn script(shell: Shell, only: Option<&str>) -> Vec<u8> {
    let mut script = Vec::new();
    for program in Program::ALL {
        if only.is_none_or(|only| only == program.name()) {
            clap_complete::generate(shell, &mut definition(program), program.name(), &mut script);
        }
    }
    script
}

/// Writes the man pages of all programs and of `chat`'s commands into a folder.
///
/// # Errors
/// When one cannot be written; it is named.
pub(super) fn man(folder: &Path) -> Result<(), Stop> {
    let written = fs::create_dir_all(folder).and_then(|()| {
        Program::ALL
            .into_iter()
            .try_for_each(|program| clap_mangen::generate_to(definition(program), folder))
    });
    written.map_err(|error| {
        let folder = folder.display();
        failed(format!("cannot write the man pages into {folder}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_every_program() {
        for shell in Shell::value_variants() {
            let all = String::from_utf8(script(*shell, None)).unwrap();
            for option in ["follow", "copies", "tls-cert", "no-mouse", "completions"] {
                assert!(all.contains(option), "{shell}: {option}");
            }
            let one = String::from_utf8(script(*shell, Some("chat-tui"))).unwrap();
            assert!(
                one.contains("no-mouse") && !one.contains("copies"),
                "{shell}"
            );
        }
    }

    #[test]
    fn every_program_and_command_has_a_page_with_its_options_and_variables() {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("not/there/yet");
        man(&pages).unwrap();
        let mut names: Vec<String> = fs::read_dir(&pages)
            .unwrap()
            .map(|page| page.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "chat-completions.1",
                "chat-man.1",
                "chat-node.1",
                "chat-send.1",
                "chat-status.1",
                "chat-tail.1",
                "chat-tui.1",
                "chat-up.1",
                "chat-web.1",
                "chat.1"
            ]
        );
        let page = fs::read_to_string(pages.join("chat-node.1")).unwrap();
        assert!(page.contains("\\-\\-copies") && page.contains("CHAT_NODE_COPIES"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stop = man(&file.path().join("inside")).unwrap_err();
        assert!(format!("{stop:?}").contains(file.path().to_str().unwrap()));
    }
}
