//! Option beats variable beats file beats default.
//!
//! The file's values become the options' defaults, and each option gets its variable: so clap reads
//! all of them by one definition, with the same checks.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Parser};

use super::file::{self, Setting};
use super::places;
use super::stop::Stop;

/// Which program's options are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layers {
    /// Its table in the file.
    pub table: &'static str,
    /// What its variables begin with.
    pub variables: &'static str,
}

impl Layers {
    /// Reads the options of `P` from the arguments (the program's name first), variables and file.
    ///
    /// # Errors
    /// When any of them cannot be read; also for `--help` and `--version`.
    pub(super) fn read<P: Parser>(&self, arguments: &[OsString]) -> Result<P, Stop> {
        let bare = P::command();
        let named = named_file(arguments, &self.variable("config"));
        let path = file::find(named, places::config_file());
        let settings = match path {
            Some(path) => file::settings(&path, self.table, &parts(&bare))?,
            None => Vec::new(),
        };
        let usage = |error| Stop::Usage(Box::new(self.naming_the_variable(error, arguments)));
        let first = self.brief(self.command(bare.clone(), &settings, &[]));
        let matches = first.try_get_matches_from(arguments).map_err(usage)?;
        // A setting gives way to an option that excludes it: the file is the weaker one.
        let beaten = beaten(&bare, &matches, &settings);
        let second = self.brief(self.command(bare, &settings, &beaten));
        let matches = second.try_get_matches_from(arguments).map_err(usage)?;
        P::from_arg_matches(&matches).map_err(usage)
    }

    /// The options of `P` with their variables, as man pages and completions tell of them.
    pub(super) fn definition<P: Parser>(&self) -> Command {
        self.command(P::command(), &[], &[])
    }

    /// The terminal client's help fits the screen that it is read on: the rule for variables is told
    /// once, below the options.
    fn brief(&self, command: Command) -> Command {
        if self.table != "tui" {
            return command;
        }
        let command = command.mut_args(|arg| arg.hide_env(true));
        let command = command.mut_arg("config", |arg| {
            arg.help("Settings [default: ~/.config/chat/config.toml]")
        });
        command.mut_arg("log", |arg| {
            arg.help("Log to standard error, `info` say [default: off]")
        })
    }

    /// The definition with variables and the file's values.
    fn command(&self, bare: Command, settings: &[Setting], but: &[String]) -> Command {
        let with = |arg: Arg| self.with_layers(arg, settings, but);
        let mut command = bare.mut_args(with);
        let names: Vec<String> = command
            .get_subcommands()
            .map(|part| part.get_name().to_owned())
            .collect();
        for name in names {
            command = command.mut_subcommand(name, |part| part.mut_args(with));
        }
        command
    }

    fn with_layers(&self, arg: Arg, settings: &[Setting], but: &[String]) -> Arg {
        let Some(long) = arg.get_long().map(str::to_owned) else {
            return arg;
        };
        let mut arg = arg;
        let variable = self.variable(&long);
        // An empty variable is how a shell unsets one for a single command.
        if std::env::var_os(&variable).is_none_or(|value| !value.is_empty()) {
            arg = arg.env(variable).hide_env_values(true);
        }
        if matches!(arg.get_action(), ArgAction::SetTrue) {
            arg = arg.value_parser(BoolishValueParser::new());
        }
        match settings.iter().find(|setting| setting.key == long) {
            Some(setting) if !but.contains(&long) => arg
                .required(false)
                .default_values(setting.values.iter().map(String::from)),
            Some(_) | None => arg,
        }
    }

    /// An error about a value names the variable that it came from: whoever gave no option does not
    /// look for one.
    fn naming_the_variable(&self, mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
        let said = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        let option = said(ContextKind::InvalidArg);
        let long = option
            .as_deref()
            .and_then(|option| option.strip_prefix("--"))
            .and_then(|option| option.split([' ', '=']).next());
        let (Some(long), Some(value)) = (long, said(ContextKind::InvalidValue)) else {
            return error;
        };
        let variable = self.variable(long);
        let holds = std::env::var(&variable)
            .is_ok_and(|held| held == value || held.split(',').any(|part| part == value));
        let option = format!("--{long}");
        let given = arguments.iter().filter_map(|argument| argument.to_str());
        let mut given = given.map(|argument| argument.split('=').next());
        if holds && !given.any(|name| name == Some(&option)) {
            error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
        }
        error
    }

    /// The variable of the option `--some-thing`.
    fn variable(&self, long: &str) -> String {
        format!(
            "{}_{}",
            self.variables,
            long.to_uppercase().replace('-', "_")
        )
    }
}

/// The commands whose options a table holds: the program itself, or its subcommands.
fn parts(command: &Command) -> Vec<&Command> {
    let parts: Vec<&Command> = command.get_subcommands().collect();
    if parts.is_empty() {
        vec![command]
    } else {
        parts
    }
}

/// The settings that an option given otherwise excludes.
fn beaten(bare: &Command, matches: &ArgMatches, settings: &[Setting]) -> Vec<String> {
    let (command, matches) = match matches.subcommand() {
        Some((name, inner)) => match bare.find_subcommand(name) {
            Some(part) => (part, inner),
            None => return Vec::new(),
        },
        None => (bare, matches),
    };
    let given = |id: &str| {
        let source = matches.value_source(id);
        matches!(
            source,
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        )
    };
    let excludes = |one: &Arg, other: &Arg| {
        let conflicts = command.get_arg_conflicts_with(one);
        conflicts
            .iter()
            .any(|conflict| conflict.get_id() == other.get_id())
    };
    let is_beaten = |setting: &&Setting| {
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(setting.key.as_str()));
        arg.is_some_and(|arg| {
            let mut others = command.get_arguments();
            others.any(|other| {
                given(other.get_id().as_str()) && (excludes(arg, other) || excludes(other, arg))
            })
        })
    };
    let beaten = settings.iter().filter(is_beaten);
    beaten.map(|setting| setting.key.clone()).collect()
}

/// The file that the arguments or the variable name. It has to be known before they can be read.
fn named_file(arguments: &[OsString], variable: &str) -> Option<PathBuf> {
    let mut arguments = arguments.iter().skip(1);
    while let Some(argument) = arguments.next() {
        let Some(text) = argument.to_str() else {
            continue;
        };
        if text == "--" {
            break;
        }
        if text == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(PathBuf::from(path));
        }
    }
    let named = std::env::var_os(variable).filter(|value| !value.is_empty());
    named.map(PathBuf::from)
}

/// `chat` without a command is `chat up`.
pub(super) fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let stands_alone = ["-h", "--help", "-V", "--version"];
    let first = arguments.get(1).and_then(|first| first.to_str());
    let is_option = first.is_some_and(|first| first.starts_with('-'));
    if arguments.len() <= 1 || (is_option && !first.is_some_and(|f| stands_alone.contains(&f))) {
        arguments.insert(arguments.len().min(1), OsString::from("up"));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Program;
    use crate::cli::args::{Chat, Node, Tui, Web};
    use clap::CommandFactory;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn with_file<P: Parser>(program: Program, line: &str, content: &str) -> Result<P, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, content).unwrap();
        let mut arguments = words(line);
        arguments.push(OsString::from(format!("--config={}", path.display())));
        program
            .layers()
            .read(&arguments)
            .map_err(|stop| match stop {
                Stop::Wrong(line) => line.replace(&format!("{}/", folder.path().display()), ""),
                other => format!("{other:?}"),
            })
    }

    #[test]
    fn the_definitions_hold_together() {
        for command in [
            Chat::command(),
            Node::command(),
            Web::command(),
            Tui::command(),
        ] {
            command.debug_assert();
        }
        for program in [Program::Chat, Program::Node, Program::Web, Program::Tui] {
            let definition = match program {
                Program::Chat => Chat::command(),
                Program::Node => Node::command(),
                Program::Web => Web::command(),
                Program::Tui => Tui::command(),
            };
            program
                .layers()
                .command(definition, &[], &[])
                .debug_assert();
        }
    }

    #[test]
    fn the_file_gives_what_the_command_line_does_not() {
        let content =
            "[node]\nlisten = \"127.0.0.1:7001\"\nrate = 9\njoin = [\"a:1\", \"b:2\"]\n[web]\n";
        let node: Node = with_file(Program::Node, "chat-node --rate 3", content).unwrap();
        assert_eq!(node.rate, 3);
        let plain: Node = with_file(Program::Node, "chat-node", "").unwrap();
        assert_eq!(plain.rate, 5, "as the protocol page says");
        assert_eq!(node.listen, Some("127.0.0.1:7001".parse().unwrap()));
        assert_eq!(node.join, ["a:1", "b:2"]);
        let chat: Chat =
            with_file(Program::Chat, "chat send hello", "[chat]\nroom = \"ops\"").unwrap();
        assert!(
            matches!(chat.command, crate::cli::ChatCommand::Send(send) if send.room.to_string() == "ops")
        );
    }

    #[test]
    fn a_setting_of_the_file_gives_way_to_an_option_that_excludes_it() {
        let content = "[node]\nlisten = \"127.0.0.1:7001\"\nname = \"x\"";
        let node: Node = with_file(Program::Node, "chat-node 9001", content).unwrap();
        assert_eq!(
            (node.ports.as_slice(), node.listen, node.name),
            (&[9001][..], None, None)
        );
        let chat: Chat = with_file(
            Program::Chat,
            "chat up --web 127.0.0.1:1",
            "[chat]\nno-web = true",
        )
        .unwrap();
        assert!(matches!(chat.command, crate::cli::ChatCommand::Up(up) if !up.no_web));
    }

    #[test]
    fn a_broken_file_is_told_of_by_line_and_key() {
        let wrong =
            |content: &str| with_file::<Node>(Program::Node, "chat-node", content).unwrap_err();
        assert_eq!(
            wrong("[nod]\n"),
            "config.toml:1: there is no table or key \"nod\"; tables are [chat], [node], [web], [tui]"
        );
        assert_eq!(
            wrong("[node]\nrate = 5\nlissten = \"x\"\n"),
            "config.toml:3: there is no key \"lissten\" in [node]; there is \"listen\""
        );
        let unknown = wrong("[node]\nspeed = 5\n");
        assert!(
            unknown.starts_with(
                "config.toml:2: there is no key \"speed\" in [node]; keys are copies, data,"
            ),
            "{unknown}"
        );
        assert_eq!(
            wrong("[node]\nrate = \"5\"\n"),
            "config.toml:2: \"rate\" in [node] is \"5\", but must be a number (Messages a second for a \
             session, in bursts of four times that)"
        );
        let value = wrong("\n[node]\n\nlisten = \"here\"\n");
        assert!(
            value.starts_with("config.toml:4: \"listen\" in [node] is \"here\": invalid socket"),
            "{value}"
        );
        assert!(
            value.ends_with("syntax; it has the form ADDR:PORT"),
            "{value}"
        );
        assert_eq!(
            wrong("[node]\ncopies = 9\n"),
            "config.toml:2: \"copies\" in [node] is 9: 9 is not in 1..=7"
        );
        let syntax = wrong("[node]\nlisten = \n");
        assert!(
            syntax.starts_with("config.toml:2: not TOML: listen =: "),
            "{syntax}"
        );
        assert!(wrong("node = 5\n").starts_with("config.toml:1: \"node\" is a table"));
        assert!(wrong("[node]\nconfig = \"x\"\n").starts_with("config.toml:2: there is no key"));
    }

    #[test]
    fn keys_are_bound_in_a_table_of_the_file_or_by_an_option() {
        let keys = |line: &str, content: &str| {
            with_file::<Tui>(Program::Tui, line, content)
                .map(|tui| tui.keys.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let content =
            "[tui]\n[tui.keys]\nswitcher = [\"Ctrl+T\", \"ctrl-,\"]\nquit = []\nhelp = \"f5\"\n";
        assert_eq!(
            keys("chat-tui", content).unwrap(),
            ["help=f5", "quit=", "switcher=ctrl-t ctrl-comma"]
        );
        assert_eq!(
            keys("chat-tui --keys quit=f9,help=f2", content).unwrap(),
            ["quit=f9", "help=f2"]
        );
        assert_eq!(keys("chat-tui", "[tui.keys]\n").unwrap(), [""; 0]);
    }

    #[test]
    fn a_wrong_binding_is_told_of_by_file_key_and_value() {
        let wrong =
            |content: &str| with_file::<Tui>(Program::Tui, "chat-tui", content).unwrap_err();
        assert_eq!(
            wrong("[tui.keys]\nquit = \"f9\"\nhelp = \"hyper-h\"\n"),
            "config.toml:3: \"help\" in [tui.keys] is \"hyper-h\": there is no key \"hyper-h\"; keys are ctrl-k, \
             alt-enter, f5, …"
        );
        assert_eq!(
            wrong("[tui.keys]\nswicher = \"f9\"\n"),
            "config.toml:2: \"swicher\" in [tui.keys] is \"f9\": there is no action \"swicher\"; there is \
             \"switcher\""
        );
        assert_eq!(
            wrong("[tui.keys]\nhelp = 5\n"),
            "config.toml:2: \"help\" in [tui.keys] is 5: a key is a string such as \"ctrl-k\", several \
             stand in brackets"
        );
        assert_eq!(
            wrong("[tui.keys]\nquit = \"f9\"\nhelp = [\"f1\", \"f9\"]\n"),
            "config.toml:2: \"quit\" in [tui.keys] is \"f9\": \"f9\" is bound to both \"help\" and \"quit\""
        );
        assert!(
            wrong("[tui]\nkeys = 5\n").starts_with("config.toml:2: \"keys\" in [tui] is 5, but")
        );
    }

    #[test]
    fn a_wrong_setting_of_the_terminal_says_what_was_given_and_what_may_be() {
        let wrong =
            |content: &str| with_file::<Tui>(Program::Tui, "chat-tui", content).unwrap_err();
        for (content, told) in [
            (
                "room = 5",
                "\"room\" in [tui] is 5, but must be a string in quotes, or several in brackets (A room \
                 or @name)",
            ),
            (
                "room = [\"lobby\", 5]",
                "\"room\" in [tui] is [\"lobby\", 5], but must be a string in quotes, or several in \
                 brackets (A room or @name)",
            ),
            (
                "emoji = 3",
                "\"emoji\" in [tui] is 3, but must be a string in quotes (Emoji: full or simple)",
            ),
            (
                "no-mouse = \"yes\"",
                "\"no-mouse\" in [tui] is \"yes\", but must be true or false (Leave the mouse to the \
                 terminal (else Shift selects))",
            ),
        ] {
            let line = wrong(&format!("# mine\n[tui]\n{content}\n"));
            assert_eq!(line, format!("config.toml:3: {told}"));
        }
        let theme = wrong("[tui]\ntheme = \"x\"\n");
        assert!(
            theme.starts_with("config.toml:2: \"theme\" in [tui] is \"x\": "),
            "{theme}"
        );
        for named in ["dark", "light", "terminal"] {
            assert!(theme.contains(named), "{theme}");
        }
        let unknown = wrong("[tui]\ncolour = \"x\"\n");
        let told =
            "config.toml:2: there is no key \"colour\" in [tui]; keys are emoji, json, keys,";
        assert!(unknown.starts_with(told), "{unknown}");
    }

    #[test]
    fn where_to_connect_may_stand_without_an_option() {
        let tui = |line: &str, content: &str| with_file::<Tui>(Program::Tui, line, content);
        let at = |line: &str, content: &str| tui(line, content).map(|tui| tui.at);
        assert_eq!(at("chat-tui a:1 b", "").unwrap(), ["a:1", "b:9001"]);
        let file = "[tui]\nnode = \"c:3\"\n";
        let beaten = tui("chat-tui a:1", file).unwrap();
        assert_eq!((beaten.at.len(), beaten.person.node.len()), (1, 0));
        assert!(at("chat-tui a:1 --node b:2", "").is_err());
        assert!(
            at("chat-tui a:99999", "")
                .unwrap_err()
                .contains("from 1 to 65535")
        );
    }

    #[test]
    fn chat_alone_is_chat_up() {
        for (line, expected) in [
            ("chat", "chat up"),
            ("chat --no-web", "chat up --no-web"),
            ("chat --help", "chat --help"),
            ("chat send x", "chat send x"),
        ] {
            assert_eq!(with_default_command(words(line)), words(expected));
        }
    }
}
