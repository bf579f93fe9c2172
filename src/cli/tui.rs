//! `chat-tui`: who the person is, and where things are kept for the next start.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use super::args::Tui;
use super::arrival::Seeker;
use super::identity::{Identity, login_name};
use super::stop::{Stop, failed, wrong};
use super::{arrival, monitor, places, running};
use crate::client::Seek;
use crate::private_file::{self, OnDisk};
use crate::protocol::{RoomRef, UserName};
use crate::tui::{self, attention::Quiet, keymap::Keymap};

/// The room of who has not been here before.
const ROOM_DEFAULT: &str = "lobby";

pub(super) async fn run(args: &Tui) -> Result<(), Stop> {
    if args.once || args.json {
        return monitor::run(args, running::tokens()).await;
    }
    if args.monitor && !std::io::stdout().is_terminal() {
        return Err(failed(
            "the pane needs a terminal; for scripts there are --once and --json",
        ));
    }
    let keys = Keymap::rebound(&args.keys).map_err(|why| wrong(format!("--keys: {why}")))?;
    if !tui::terminal::is_here() {
        return Err(failed(tui::TerminalError::NotATerminal));
    }
    // Everything that is kept is kept under the person's name, so it must be known first.
    let name = match args.person.name.clone().or_else(login_name) {
        Some(name) => name,
        None => asked(&mut std::io::stdin().lock(), std::io::stdin().is_terminal())?,
    };
    let identity = Identity::find(Some(name.clone()))?;
    // Who was here before knows the place, and may have something to send when it is there again.
    let named = &args.person.node;
    let arrival = match identity.token {
        Some(_) => arrival::nodes_or_wait(named).await,
        None => arrival::nodes_or_asked(named).await?,
    };
    let key = identity.name.key();
    let state = places::state()?;
    let rooms_file = state.join("rooms").join(key.as_str());
    let shown_file = state.join("shown").join(key.as_str());
    let quiet_file = state.join("quiet").join(key.as_str());
    let mut keeper = identity.clone();
    // Those that are named are kept once something changes.
    let mut before = rooms_in(&rooms_file);
    before.retain(|room| args.room.is_empty() || args.room.contains(room));
    let config = tui::Config {
        nodes: arrival.nodes,
        seek: (!arrival.named).then(|| Box::<Seeker>::default() as Box<dyn Seek>),
        name,
        token: identity.token,
        admin: running::tokens(),
        rooms: if args.room.is_empty() {
            rooms_of_last_time(&rooms_file)
        } else {
            args.room.clone()
        },
        shown: room_of_last_time(&shown_file).filter(|_| args.room.is_empty()),
        keep_shown: Box::new(move |room| {
            private_file::replace_when(&shown_file, &format!("{room}\n"), OnDisk::Later)
        }),
        kept: tui::KeptFiles {
            unsent: state.join("unsent").join(key.as_str()),
            drafts: state.join("drafts").join(key.as_str()),
        },
        keep_session: Box::new(move |session| keeper.keep(&session.token)),
        keep_rooms: Box::new(move |rooms| {
            let all = with_changes(rooms_in(&rooms_file), &before, rooms);
            before = rooms.to_vec();
            let lines: String = all.iter().map(|room| format!("{room}\n")).collect();
            private_file::replace(&rooms_file, &lines)
        }),
        quiet: std::fs::read_to_string(&quiet_file)
            .ok()
            .and_then(|hours| Quiet::parse(&hours)),
        keep_quiet: Box::new(move |hours| {
            let line = hours.map(|hours| format!("{hours}\n")).unwrap_or_default();
            private_file::replace(&quiet_file, &line)
        }),
        colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        ground: args.theme,
        emoji: args.emoji,
        mouse: !args.no_mouse,
        monitor: args.monitor,
        keys,
    };
    tui::run(config).await.map_err(failed)
}

/// Asks for a name, until one will do.
fn asked(input: &mut impl BufRead, terminal: bool) -> Result<UserName, Stop> {
    let nobody = || failed("say who you are: chat-tui --name NAME");
    if !terminal {
        return Err(nobody());
    }
    loop {
        print!("Your name: ");
        std::io::stdout().flush().map_err(failed)?;
        let mut line = String::new();
        if input.read_line(&mut line).map_err(failed)? == 0 {
            return Err(nobody());
        }
        match UserName::parse(line.trim()) {
            Ok(name) => return Ok(name),
            Err(refusal) => println!("{}", refusal.message),
        }
    }
}

fn rooms_of_last_time(path: &Path) -> Vec<RoomRef> {
    let rooms = rooms_in(path);
    if rooms.is_empty() {
        return RoomRef::parse(ROOM_DEFAULT).into_iter().collect();
    }
    rooms
}

fn rooms_in(path: &Path) -> Vec<RoomRef> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let rooms = text.lines().map(RoomRef::parse);
    rooms.filter_map(Result::ok).collect()
}

/// The rooms that are `there` with what this client has changed, which was in those of `before` and is in
/// these `now`: another client of this name may have entered and left some as well.
fn with_changes(there: Vec<RoomRef>, before: &[RoomRef], now: &[RoomRef]) -> Vec<RoomRef> {
    let mut rooms = there;
    rooms.retain(|room| !before.contains(room) || now.contains(room));
    for room in now {
        if !before.contains(room) && !rooms.contains(room) {
            rooms.push(room.clone());
        }
    }
    rooms
}

fn room_of_last_time(path: &Path) -> Option<RoomRef> {
    let text = std::fs::read_to_string(path).ok()?;
    RoomRef::parse(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_clients_each_enters_and_leaves_rooms_of_its_own() {
        let rooms = |line: &str| -> Vec<RoomRef> {
            let rooms = line.split_whitespace().map(RoomRef::parse);
            rooms.map(Result::unwrap).collect()
        };
        let changed = |there, before, now| with_changes(rooms(there), &rooms(before), &rooms(now));
        // The other one has left dev.
        let there = changed("lobby ops", "lobby ops dev", "lobby ops dev qa");
        assert_eq!(there, rooms("lobby ops qa"));
        assert_eq!(
            changed("lobby ops qa", "lobby ops dev", "ops dev"),
            rooms("ops qa")
        );
        // The first time, nothing is there.
        assert_eq!(changed("", "", "lobby ops"), rooms("lobby ops"));
    }

    #[test]
    fn a_name_is_asked_for_until_one_will_do() {
        let mut typed: &[u8] = b"\nno good\nyves\n";
        assert_eq!(asked(&mut typed, true).unwrap().as_str(), "yves");
        assert!(asked(&mut &b""[..], true).is_err());
        assert!(asked(&mut &b"yves\n"[..], false).is_err());
    }
}
