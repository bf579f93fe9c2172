//! The one table of slash commands, and what each does.

use super::attention::Quiet;
use super::changes;
use super::conversation;
use super::emoji;
use super::event::{Change, Effect};
use super::near::nearest;
use super::room::{Delivery, Room};
use super::speaking;
use super::state::{Asked, State, by_name};
use super::theme::Ground;
use super::travel;
use crate::client::Command as ClientCommand;
use crate::protocol::text::parse_topic;
use crate::protocol::{ClientFrame, RoomName, RoomRef, UserName};

/// Messages that a room brings when it is joined: more than a screen, and quickly there.
pub const JOIN_MESSAGES: usize = 100;

/// Emoji that are offered in place of one that there is not.
const LIKE_MAX: usize = 3;

pub struct Command {
    /// What is typed after the slash; the first is the one that help shows.
    pub names: &'static [&'static str],
    /// What may follow, as help shows it.
    pub arguments: &'static str,
    pub help: &'static str,
    run: fn(&mut State, &str) -> Outcome,
}

/// All commands, in the order in which help shows them.
#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    command(&["join", "j"], "ROOM", "enter a room; it is made if there is none", join),
    command(&["leave", "part", "close"], "[ROOM]", "leave a room, or close a conversation", leave),
    command(&["msg", "query", "m"], "NAME [TEXT]", "talk to one person", message),
    command(&["rooms", "list"], "", "all rooms", rooms),
    command(&["who", "names"], "", "who is in the room", who),
    command(&["topic"], "[TEXT]", "show or set the room's topic; - clears it", topic),
    command(&["away"], "", "mark yourself away", away),
    command(&["back"], "", "you are here again", back),
    command(&["reply", "r"], "TEXT", "answer the newest message of somebody else", reply),
    command(&["edit", "e"], "[TEXT]", "change your last message", edit),
    command(&["delete"], "", "delete your last message", delete),
    command(&["react"], "EMOJI", "react to the newest message, or take it back", react),
    command(&["resend"], "", "send failed messages again", resend),
    command(&["discard"], "", "drop failed messages", discard),
    command(&["quiet"], "[HH:MM-HH:MM]", "hours without ringing; off ends them", quiet),
    command(&["search", "find", "s"], "[WORDS]", "search what was said; from: in: before: after:", search),
    command(&["theme"], "[THEME]", "dark, light, or terminal: the terminal's own", theme),
    command(&["help", "h", "?"], "", "keys and commands", help),
    command(&["quit", "exit", "q"], "", "quit; unsent messages are kept", quit),
];

const fn command(
    names: &'static [&'static str],
    arguments: &'static str,
    help: &'static str,
    run: fn(&mut State, &str) -> Outcome,
) -> Command {
    Command {
        names,
        arguments,
        help,
        run,
    }
}

/// What is to be done, or, for the person, why nothing is.
pub type Outcome = Result<Vec<Effect>, String>;

/// Carries out a line without its slash.
pub fn run(state: &mut State, line: &str) -> Outcome {
    let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match find(name) {
        Some(command) => (command.run)(state, arguments.trim()),
        None => wrong(unknown(&name.to_lowercase())),
    }
}

/// The command of that name, without its slash, as it is typed.
pub fn find(typed: &str) -> Option<&'static Command> {
    let typed = typed.to_lowercase();
    let mut commands = COMMANDS.iter();
    commands.find(|command| command.names.contains(&typed.as_str()))
}

/// What to do about a command that does not exist.
fn unknown(name: &str) -> String {
    let names = COMMANDS.iter().flat_map(|command| command.names);
    match nearest(name, names.copied()) {
        Some(near) => format!("there is no command /{name}, but /{near}; /help lists them"),
        None => {
            format!("there is no command /{name}: /help lists them, // begins a text with a slash")
        }
    }
}

fn join(state: &mut State, arguments: &str) -> Outcome {
    let name = arguments.trim_start_matches('#');
    if name.starts_with('@') {
        return message(state, name);
    }
    if name.is_empty() {
        return wrong("which room? /join ROOM");
    }
    match RoomName::parse(name) {
        Ok(room) => Ok(enter(state, &room)),
        Err(refusal) => wrong(refusal.message),
    }
}

/// Enters a room and shows it.
pub fn enter(state: &mut State, room: &RoomName) -> Vec<Effect> {
    let known = state.index_of(room.as_str());
    let at = state.open(room.as_str());
    let mut effects = travel::show(state, at);
    let refused = state.rooms[at].membership == super::room::Membership::Refused;
    if known.is_none() || refused {
        effects.push(join_effect(&mut state.rooms[at], room));
        effects.push(state.keep_rooms());
    }
    effects
}

/// Asks to be in the room from now on.
pub fn join_effect(room: &mut Room, name: &RoomName) -> Effect {
    room.membership = super::room::Membership::Coming;
    room.fresh = true;
    Effect::Net(ClientCommand::Join {
        room: RoomRef::Room(name.clone()),
        limit: Some(JOIN_MESSAGES),
    })
}

fn leave(state: &mut State, arguments: &str) -> Outcome {
    let name = arguments.trim_start_matches('#');
    let at = if name.is_empty() {
        state.active
    } else {
        match state.index_of(name) {
            Some(at) => at,
            None => return wrong(format!("you are not in {name}")),
        }
    };
    if at >= state.rooms.len() {
        return wrong("there is no room to leave");
    }
    let left = &state.rooms[at];
    // In the room that is shown the line may be this command.
    let is_this = at == state.active && left.composer.text().starts_with('/');
    if !is_this && !left.composer.is_idle() {
        return wrong("what is written there would be lost: send it, or clear the line first");
    }
    let waiting = left.pending.iter();
    let waiting = waiting.filter(|pending| pending.state == Delivery::Waiting);
    let failed = left.pending.len() - waiting.clone().count();
    let mut changes = state.changes.iter();
    match waiting.count() {
        0 if changes.any(|changing| state.index_of(&changing.room) == Some(at)) => {
            return wrong("a change here is not sent yet, and would be lost");
        }
        0 if failed > 0 => {
            return wrong("what was refused here would be lost: /resend or /discard it first");
        }
        0 => {}
        1 => return wrong("a message here is not sent yet, and would be lost"),
        n => {
            return wrong(format!(
                "{n} messages here are not sent yet, and would be lost"
            ));
        }
    }
    let (room, mut effects) = close(state, at, None);
    effects.extend([state.keep(), state.keep_rooms()]);
    if let (false, Some(reference)) = (room.is_direct(), room.reference()) {
        let leave = ClientCommand::Leave { room: reference };
        effects.push(Effect::Net(leave));
    }
    state.say(format!("left {}", room.title()));
    Ok(effects)
}

/// Takes the room off the list. If it was shown, another one is: the one that leads `back`, if there is one.
pub fn close(state: &mut State, at: usize, back: Option<&str>) -> (Room, Vec<Effect>) {
    let room = state.rooms.remove(at);
    let mut effects = Vec::new();
    match at.cmp(&state.active) {
        std::cmp::Ordering::Less => state.active -= 1,
        std::cmp::Ordering::Equal => {
            let back = back.and_then(|back| state.index_of(back));
            state.active = back.unwrap_or_else(|| after_leaving(&state.rooms, at));
            state.selection = None;
            effects.extend(travel::show(state, state.active));
        }
        std::cmp::Ordering::Greater => {}
    }
    (room, effects)
}

/// What is shown when the room that stood here is gone: the next room, or the one before; a conversation
/// only where there is no room, for whoever leaves a room has not asked for anyone.
fn after_leaving(rooms: &[Room], gone: usize) -> usize {
    let is_room = |at: &usize| !rooms[*at].is_direct();
    let next = (gone..rooms.len()).find(is_room);
    let before = || (0..gone).rev().find(is_room);
    let last = rooms.len().saturating_sub(1);
    next.or_else(before).unwrap_or(gone.min(last))
}

fn message(state: &mut State, arguments: &str) -> Outcome {
    let (name, text) = arguments
        .split_once(char::is_whitespace)
        .unwrap_or((arguments, ""));
    let name = name.trim_start_matches('@');
    if name.is_empty() {
        return wrong("to whom? /msg NAME [TEXT]");
    }
    let mut effects = match UserName::parse(name) {
        Ok(parsed) => talk(state, &parsed),
        Err(refusal) => return wrong(refusal.message),
    };
    if !text.trim().is_empty() {
        effects.extend(speaking::send(state, text.trim(), None)?);
    }
    Ok(effects)
}

/// Shows the conversation with this person.
pub fn talk(state: &mut State, name: &UserName) -> Vec<Effect> {
    let known = state
        .rooms
        .iter()
        .flat_map(|room| room.people.list.values());
    let user = by_name(known, name.as_str()).cloned();
    // As the person writes the name, where it is known; one conversation, however it is typed.
    conversation::show(state, |state| match user {
        Some(user) => conversation::open_with(state, &user),
        None => {
            let label = format!("@{name}");
            conversation::called(state, &label).unwrap_or_else(|| state.open(&label))
        }
    })
}

fn rooms(state: &mut State, _: &str) -> Outcome {
    let Some(room) = state.room() else {
        return Ok(super::switcher::open_with(state, "#"));
    };
    let show_in = Some(room.name.clone());
    online(state, |state| {
        state.ask(Asked::Rooms { show_in }, ClientFrame::Rooms)
    })
}

fn who(state: &mut State, _: &str) -> Outcome {
    let Some((name, reference)) = here(state) else {
        return wrong("there is no room");
    };
    if name.starts_with('@') {
        return wrong("this is between the two of you");
    }
    online(state, |state| {
        let about = Asked::Who { room: name };
        state.ask(about, ClientFrame::Who { room: reference })
    })
}

fn topic(state: &mut State, arguments: &str) -> Outcome {
    let Some((name, room)) = here(state) else {
        return wrong("there is no room");
    };
    if arguments.is_empty() {
        let topic = state.room().map(|room| room.topic.clone());
        let topic = topic.filter(|topic| !topic.is_empty());
        state.answer_in(
            &name,
            topic.unwrap_or_else(|| "there is no topic".to_owned()),
        );
        return Ok(Vec::new());
    }
    let text = if arguments == "-" { "" } else { arguments };
    match parse_topic(text) {
        Ok(topic) => Ok(changes::make(state, &room, Change::Topic { topic })),
        Err(refusal) => wrong(refusal.message),
    }
}

fn away(state: &mut State, _: &str) -> Outcome {
    online(state, |state| {
        state.ask(Asked::Away { on: true }, ClientFrame::Away { on: true })
    })
}

fn back(state: &mut State, _: &str) -> Outcome {
    online(state, |state| {
        state.ask(Asked::Away { on: false }, ClientFrame::Away { on: false })
    })
}

fn reply(state: &mut State, arguments: &str) -> Outcome {
    if arguments.is_empty() {
        return wrong("what is the answer? /reply TEXT");
    }
    let others = |state: &State| {
        let me = state.me.as_ref()?;
        let mut back = state.room()?.timeline.messages_back();
        back.find(|message| message.uid != me.uid && !message.deleted)
            .map(|message| message.id.clone())
    };
    match others(state) {
        Some(id) => speaking::send(state, arguments, Some(id)),
        None => wrong("nobody else has said anything yet"),
    }
}

fn edit(state: &mut State, arguments: &str) -> Outcome {
    let Some(id) = speaking::last_own(state) else {
        return wrong("there is no message of yours here");
    };
    if arguments.is_empty() {
        speaking::begin_edit(state);
        return Ok(Vec::new());
    }
    none_on_its_way(state)?;
    speaking::edit(state, id, arguments)
}

/// The last message is the one that was sent last, wherever it is.
fn none_on_its_way(state: &State) -> Result<(), String> {
    if state.room().is_some_and(|room| !room.pending.is_empty()) {
        return Err("your last message is not sent yet".to_owned());
    }
    Ok(())
}

fn delete(state: &mut State, arguments: &str) -> Outcome {
    if !arguments.is_empty() {
        return wrong("/delete takes no text: it deletes your last message");
    }
    none_on_its_way(state)?;
    match speaking::last_own(state) {
        Some(id) => speaking::delete(state, id),
        None => wrong("there is no message of yours here"),
    }
}

fn react(state: &mut State, arguments: &str) -> Outcome {
    if arguments.is_empty() {
        return wrong("with what? /react 👍, or by its name: /react tada");
    }
    let newest = state.room().and_then(|room| {
        let mut back = room.timeline.messages_back();
        back.find(|message| !message.deleted)
    });
    let Some(message) = newest else {
        return wrong("there is no message here");
    };
    // Other programs may react with what is no emoji; who is of the same mind may say so.
    let is_there = message.reactions.contains_key(arguments);
    let there = is_there.then(|| arguments.to_owned());
    match there.or_else(|| emoji::meant(arguments)) {
        Some(emoji) => speaking::react(state, message.id.clone(), emoji),
        None => wrong(no_emoji(arguments)),
    }
}

/// Why it cannot be reacted with, and with what perhaps.
fn no_emoji(text: &str) -> String {
    let name = text.trim_matches(':');
    let like: Vec<String> = emoji::find(name, LIKE_MAX)
        .into_iter()
        .map(|(emoji, name)| format!("{emoji} {name}"))
        .collect();
    if like.is_empty() {
        return format!("{text} is no emoji, and none is called that: /react 👍, /react tada");
    }
    format!("no emoji is called {name}; there is {}", like.join(", "))
}

fn resend(state: &mut State, _: &str) -> Outcome {
    Ok(speaking::resend(state))
}

fn discard(state: &mut State, _: &str) -> Outcome {
    Ok(speaking::discard_where(state, |_| true))
}

fn quiet(state: &mut State, arguments: &str) -> Outcome {
    let hours = match arguments {
        "" => {
            state.say(match state.quiet {
                Some(hours) => format!("nothing rings {hours}; /quiet off ends it"),
                None => "it rings at any hour; /quiet 22:00-07:00 sets hours without".to_owned(),
            });
            return Ok(Vec::new());
        }
        "off" => None,
        hours => match Quiet::parse(hours) {
            Some(hours) => Some(hours),
            None => return wrong("which hours? /quiet 22:00-07:00, or /quiet off"),
        },
    };
    state.quiet = hours;
    state.say(match hours {
        Some(hours) => format!("nothing rings {hours}"),
        None => "it rings at any hour".to_owned(),
    });
    Ok(vec![Effect::KeepQuiet(hours)])
}

fn search(state: &mut State, arguments: &str) -> Outcome {
    Ok(super::search::open(state, arguments))
}

fn theme(state: &mut State, arguments: &str) -> Outcome {
    if !arguments.is_empty() {
        state.theme.ground = Ground::parse(arguments)?;
    }
    let ground = state.theme.ground;
    state.say(match (state.theme.colour, arguments) {
        (false, _) => "NO_COLOR is set: there are no colours".to_owned(),
        (true, "") => format!("the theme is {ground}; there are dark, light and terminal"),
        (true, _) => format!("for good: theme = \"{ground}\" under [tui] in config.toml"),
    });
    Ok(vec![Effect::Redraw])
}

fn help(state: &mut State, _: &str) -> Outcome {
    state.overlay = super::state::Overlay::Help { row: 0 };
    Ok(Vec::new())
}

fn quit(_: &mut State, _: &str) -> Outcome {
    Ok(vec![Effect::Quit])
}

/// The room that is shown, by its name and as the protocol refers to it.
fn here(state: &State) -> Option<(String, RoomRef)> {
    let room = state.room()?;
    Some((room.name.clone(), room.reference()?))
}

fn wrong(text: impl Into<String>) -> Outcome {
    Err(text.into())
}

/// What makes sense with a connection only.
fn online(state: &mut State, then: impl FnOnce(&mut State) -> Effect) -> Outcome {
    if state.is_online() {
        Ok(vec![then(state)])
    } else {
        wrong("there is no connection at the moment")
    }
}
