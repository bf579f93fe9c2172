//! The configuration file: a table for each program, a key for each option.
//!
//! Read strictly: an unknown key or a value of the wrong kind is an error that names file, line and
//! key, for a setting that is passed over in silence is worse than none.

use std::any::TypeId;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::stop::{Stop, wrong};
use crate::tui::keymap::{Keymap, Rebinding};
use crate::tui::near::nearest;

/// The tables that a file may have.
pub const TABLES: [&str; 4] = ["chat", "node", "web", "tui"];

/// Options that make no sense in a file.
const NOT_IN_FILE: [&str; 5] = ["config", "ready-fd", "check-config", "help", "version"];

/// The option that may be a table too: actions of the terminal client, each with its keys.
const KEYS: &str = "keys";

/// Characters of a wrong value or line that are shown.
const SHOWN_CHARS_MAX: usize = 40;

/// One key of a program's table, checked.
#[derive(Debug)]
pub(super) struct Setting {
    pub key: String,
    /// As they would stand behind the option.
    pub values: Vec<String>,
}

/// A file's text and where it came from, for messages.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

/// Reads the settings of `table`. Each key must be an option of one of `commands` at least.
///
/// # Errors
/// When the file cannot be read, is not TOML, or has a table, key or value that is not known.
pub(super) fn settings(
    path: &Path,
    table: &str,
    commands: &[&Command],
) -> Result<Vec<Setting>, Stop> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("{}: cannot be read: {error}", path.display())))?;
    let source = Source { path, text: &text };
    let parsed = DeTable::parse(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let why = error.message().lines().next().unwrap_or_default();
        let before = &text[..text.floor_char_boundary(at)];
        let nth = before.matches('\n').count();
        let line = text.lines().nth(nth).unwrap_or_default().trim();
        source.wrong(at, &format!("not TOML: {}: {why}", shortened(line)))
    })?;
    let mut settings = Vec::new();
    for (name, value) in parsed.get_ref() {
        let at = name.span().start;
        if !TABLES.contains(&name.get_ref().as_ref()) {
            let known = TABLES.map(|table| format!("[{table}]")).join(", ");
            let wrong = format!(
                "there is no table or key \"{}\"; tables are {known}",
                name.get_ref()
            );
            return Err(source.wrong(at, &wrong));
        }
        let DeValue::Table(keys) = value.get_ref() else {
            let wrong = format!("\"{}\" is a table: write [{0}]", name.get_ref());
            return Err(source.wrong(at, &wrong));
        };
        if name.get_ref() == table {
            settings = source.table(table, keys, commands)?;
        }
    }
    Ok(settings)
}

impl Source<'_> {
    fn table(
        &self,
        table: &str,
        keys: &DeTable<'_>,
        commands: &[&Command],
    ) -> Result<Vec<Setting>, Stop> {
        let mut settings = Vec::new();
        for (key, value) in keys {
            let name: &str = key.get_ref();
            let at = key.span().start;
            let Some((command, arg)) = option(name, commands) else {
                let keys = known_keys(commands);
                let wanted = match nearest(name, keys.iter().map(String::as_str)) {
                    Some(near) => format!("there is \"{near}\""),
                    None => format!("keys are {}", keys.join(", ")),
                };
                let wrong = format!("there is no key \"{name}\" in [{table}]; {wanted}");
                return Err(self.wrong(at, &wrong));
            };
            if let (true, DeValue::Table(bindings)) = (name == KEYS, value.get_ref()) {
                let values = self.bindings(table, bindings)?;
                let key = name.to_owned();
                settings.push(Setting { key, values });
                continue;
            }
            let values = values(arg, value)
                .and_then(|values| check(command, name, arg, &values).map(|()| values))
                .map_err(|wrong| self.wrong_value(table, key, value, &wrong))?;
            let key = name.to_owned();
            settings.push(Setting { key, values });
        }
        Ok(settings)
    }

    /// The table of keys, an action and its keys a line, as the option `--keys` would have them.
    fn bindings(&self, table: &str, keys: &DeTable<'_>) -> Result<Vec<String>, Stop> {
        let mut bindings: Vec<Rebinding> = Vec::new();
        let table = format!("{table}.{KEYS}");
        for (action, value) in keys {
            let name: &str = action.get_ref();
            let told = |wrong: String| {
                let wrong = format!(": {wrong}");
                self.wrong_value(&table, action, value, &wrong)
            };
            let keys = match value.get_ref() {
                DeValue::Array(items) => {
                    items.iter().map(|item| key_name(item.get_ref())).collect()
                }
                single => key_name(single).map(|key| vec![key]),
            };
            let keys: Vec<&str> = keys.map_err(told)?;
            let binding = Rebinding::new(name, &keys).map_err(told)?;
            bindings.push(binding);
            Keymap::rebound(&bindings).map_err(told)?;
        }
        Ok(bindings.iter().map(Rebinding::to_string).collect())
    }

    /// Which key has which value, and what is wrong with it.
    fn wrong_value(
        &self,
        table: &str,
        key: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        wrong: &str,
    ) -> Stop {
        let given = self.text.get(value.span()).unwrap_or_default();
        let given = shortened(given.lines().next().unwrap_or_default());
        let name = key.get_ref();
        let line = format!("\"{name}\" in [{table}] is {given}{wrong}");
        self.wrong(key.span().start, &line)
    }

    /// `file:line: what is wrong`.
    fn wrong(&self, at: usize, what: &str) -> Stop {
        let line = self.text[..at.min(self.text.len())].matches('\n').count() + 1;
        wrong(format!("{}:{line}: {what}", self.path.display()))
    }
}

/// As much of it as tells which part of the file is meant.
fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return text.to_owned();
    }
    let mut text: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    text.push('…');
    text
}

fn option<'a>(key: &str, commands: &[&'a Command]) -> Option<(&'a Command, &'a Arg)> {
    if NOT_IN_FILE.contains(&key) {
        return None;
    }
    let find = |command: &&'a Command| {
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_long() == Some(key))?;
        Some((*command, arg))
    };
    commands.iter().find_map(find)
}

fn known_keys(commands: &[&Command]) -> Vec<String> {
    let options = commands.iter().flat_map(|command| command.get_arguments());
    let mut keys: Vec<String> = options
        .filter_map(Arg::get_long)
        .filter(|key| !NOT_IN_FILE.contains(key))
        .map(str::to_owned)
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The value as it would stand behind the option; an option that may be given several times takes an
/// array too.
fn values(arg: &Arg, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    match value.get_ref() {
        DeValue::Array(items) if matches!(arg.get_action(), ArgAction::Append) => {
            let item = |item: &Spanned<DeValue<'_>>| one(arg, item.get_ref());
            items.iter().map(item).collect()
        }
        single => one(arg, single).map(|value| vec![value]),
    }
}

fn one(arg: &Arg, value: &DeValue<'_>) -> Result<String, String> {
    let parsed_as = arg.get_value_parser().type_id();
    let numbers = [
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<usize>(),
    ];
    let wanted = match arg.get_action() {
        ArgAction::SetTrue => "true or false",
        _ if numbers.iter().any(|number| parsed_as == *number) => "a number",
        ArgAction::Append => "a string in quotes, or several in brackets",
        _ => "a string in quotes",
    };
    match value {
        DeValue::Boolean(on) if wanted == "true or false" => Ok(on.to_string()),
        DeValue::Integer(number) if wanted == "a number" => Ok(number.to_string()),
        DeValue::String(text) if wanted.starts_with("a string") => Ok(text.to_string()),
        _ => Err(format!(", but must be {wanted}{}", meaning(arg))),
    }
}

/// What the option is about, in brackets: a few words of its help.
fn meaning(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let few = help.split([';', '\n']).next().unwrap_or_default();
    let few = few.split(" [default").next().unwrap_or_default().trim();
    if few.is_empty() {
        return String::new();
    }
    format!(" ({few})")
}

fn key_name<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    match value {
        DeValue::String(text) => Ok(text),
        _ => Err("a key is a string such as \"ctrl-k\", several stand in brackets".to_owned()),
    }
}

/// Reads the values as the command line would.
fn check(command: &Command, key: &str, arg: &Arg, values: &[String]) -> Result<(), String> {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return Ok(());
    }
    let alone = command
        .clone()
        .no_binary_name(true)
        .mut_args(|arg| arg.required(false));
    let options = values.iter().map(|value| format!("--{key}={value}"));
    match alone.try_get_matches_from(options) {
        Ok(_) => Ok(()),
        Err(error) => {
            // In its own words the option would be named, which nobody has given.
            let why = std::error::Error::source(&error).map(ToString::to_string);
            let why = why.unwrap_or_else(|| {
                let words = error.render().to_string();
                let first = words.lines().next().unwrap_or_default();
                first.trim_start_matches("error: ").to_owned()
            });
            // The forms that the standard library checks are named by what stands for them.
            let form = arg.get_value_names().unwrap_or_default().first();
            let form = form.filter(|form| form.contains(':') && !why.contains("port"));
            Err(match form {
                Some(form) => format!(": {why}; it has the form {form}"),
                None => format!(": {why}"),
            })
        }
    }
}

/// Where the file is looked for: as the command line or the variable says, else in its usual place
/// if it is there.
pub(super) fn find(named: Option<PathBuf>, usual: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| usual.filter(|path| path.exists()))
}
