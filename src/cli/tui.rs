//! `chat-tui`: who the person is, and where things are kept for the next start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::Tui;
use super::identity::{Identity, login_name};
use super::script::nodes;
use super::stop::{Stop, failed};
use super::{places, private_file};
use crate::protocol::RoomRef;
use crate::tui;

/// The room of who has not been here before.
const ROOM_DEFAULT: &str = "lobby";

/// Nodes of this machine whose administrators' tokens are looked for.
const OWN_NODES_MAX: usize = 64;

pub(super) async fn run(args: &Tui) -> Result<(), Stop> {
    let identity = Identity::find(args.person.name.clone())?;
    let key = identity.name.key();
    let state = places::state()?;
    let rooms_file = state.join("rooms").join(key.as_str());
    let mut keeper = identity.clone();
    let config = tui::Config {
        nodes: nodes(&args.person.node),
        // Who has no login name that would do is asked.
        name: args.person.name.clone().or_else(login_name),
        token: identity.token,
        admin: own_nodes(),
        rooms: if args.room.is_empty() {
            rooms_of_last_time(&rooms_file)
        } else {
            args.room.clone()
        },
        unsent: Some(state.join("unsent").join(key.as_str())),
        keep_session: Box::new(move |session| {
            // Nothing can be said on the screen from here; the next start asks for a new token.
            if let Err(error) = keeper.keep(&session.token) {
                tracing::warn!(%error, "cannot keep the session's token");
            }
        }),
        keep_rooms: Box::new(move |rooms| {
            if let Err(error) = keep_rooms(&rooms_file, rooms) {
                tracing::warn!(%error, "cannot keep the list of rooms");
            }
        }),
        colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        mouse: !args.no_mouse,
    };
    tui::run(config).await.map_err(failed)
}

fn rooms_of_last_time(path: &Path) -> Vec<RoomRef> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let rooms: Vec<RoomRef> = text
        .lines()
        .filter_map(|line| RoomRef::parse(line).ok())
        .collect();
    if rooms.is_empty() {
        return RoomRef::parse(ROOM_DEFAULT).into_iter().collect();
    }
    rooms
}

fn keep_rooms(path: &Path, rooms: &[RoomRef]) -> std::io::Result<()> {
    let lines: String = rooms.iter().map(|room| format!("{room}\n")).collect();
    private_file::replace(path, &lines)
}

/// Administrators' tokens of the nodes whose data lies in this user's usual place, by node.
fn own_nodes() -> BTreeMap<String, String> {
    let folders = places::data().and_then(|data| std::fs::read_dir(data).map_err(failed));
    let Ok(folders) = folders else {
        return BTreeMap::new();
    };
    let token = |folder: PathBuf| {
        let token = std::fs::read_to_string(folder.join("admin-token")).ok()?;
        let name = folder.file_name()?.to_str()?.to_owned();
        Some((name, token.trim().to_owned()))
    };
    let folders = folders.filter_map(Result::ok).take(OWN_NODES_MAX);
    folders.filter_map(|entry| token(entry.path())).collect()
}
