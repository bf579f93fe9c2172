/**
 * What is typed with a slash before it. Such a line is never sent as a text: it is carried out, or the composer says why
 * not and keeps it. With two slashes it is a text that begins with one.
 */
import { newestWanted } from "./history";
import { addDeed } from "./outbox";
import { peopleOf } from "./presence";
import { roomLeft, roomOpened, topicSet } from "./rooms";
import { findRoom, isDirect, type Note, type Room } from "./state";
import type { Turn } from "./turn";

interface Command {
  /** What is typed after the slash; the first is the one that help shows. */
  names: string[];
  arguments: string;
  help: string;
  run: (turn: Turn, room: Room, rest: string, nonce: string) => Note | null;
}

const COMMANDS: Command[] = [
  { names: ["join", "j"], arguments: "ROOM", help: "enter a room; it is made if there is none", run: join },
  {
    names: ["leave", "part", "close"],
    arguments: "[ROOM]",
    help: "leave a room, or close a conversation",
    run: leave,
  },
  { names: ["msg", "query", "m"], arguments: "NAME [TEXT]", help: "talk to one person", run: message },
  { names: ["who", "names"], arguments: "", help: "who is in the room", run: who },
  { names: ["topic"], arguments: "[TEXT]", help: "show or set the room's topic; - clears it", run: topic },
  { names: ["help", "h", "?"], arguments: "", help: "these commands", run: help },
];

/** The text that is meant when it is to be sent; null if it is a command. */
export function textOf(typed: string): string | null {
  if (!typed.startsWith("/")) return typed;
  return typed.startsWith("//") ? typed.slice(1) : null;
}

/** Carries out a line with its slash: what it has to say to the user, if anything. */
export function runCommand(turn: Turn, room: Room, line: string, nonce: string): Note | null {
  const [, typed = "", rest = ""] = /^\/(\S*)\s*([^]*)$/.exec(line) ?? [];
  const command = COMMANDS.find((one) => one.names.includes(typed.toLowerCase()));
  if (command) return command.run(turn, room, rest.trim(), nonce);
  return wrong(`Not sent: there is no command /${typed}. /help lists them; // begins a text with a slash.`);
}

function join(turn: Turn, _room: Room, rest: string): Note | null {
  if (/^#?$/.test(rest)) return wrong("Which room? /join ROOM");
  if (/\s/.test(rest)) return wrong("A room's name is one word: /join ROOM");
  if (isOwnName(turn, rest.replace(/^@/, "")) && isDirect(rest)) return wrong("That is you.");
  roomOpened(turn, rest);
  return null;
}

function leave(turn: Turn, room: Room, rest: string): Note | null {
  const name = rest === "" ? room.name : isDirect(rest) ? rest : rest.replace(/^#/, "").toLowerCase();
  if (!findRoom(turn.state, name)?.joined) return wrong(`You are not in ${name}.`);
  roomLeft(turn, name);
  return null;
}

function message(turn: Turn, _room: Room, rest: string, nonce: string): Note | null {
  const [, name = "", text = ""] = /^@?(\S*)\s*([^]*)$/.exec(rest) ?? [];
  if (name === "") return wrong("To whom? /msg NAME [TEXT]");
  if (isOwnName(turn, name)) return wrong("That is you.");
  // One conversation, however the name is typed.
  const folded = `@${name}`.toLowerCase();
  const open = turn.state.rooms.find((room) => room.name.toLowerCase() === folded);
  const direct = open?.name ?? `@${name}`;
  roomOpened(turn, direct);
  if (text !== "") {
    const room = findRoom(turn.state, direct);
    if (room) newestWanted(turn, room);
    addDeed(turn, direct, nonce, { kind: "send", text, replyTo: null });
  }
  return null;
}

function who(_turn: Turn, room: Room): Note | null {
  if (isDirect(room.name)) return wrong("This is between the two of you.");
  const names = peopleOf(room).map((user) => (user.away ? `${user.name} (away)` : user.name));
  const rest = room.total - names.length;
  if (rest > 0) names.push(`${rest} more`);
  return said(`In ${room.name}: ${names.join(", ")}`);
}

function topic(turn: Turn, room: Room, rest: string): Note | null {
  if (isDirect(room.name)) return wrong("A direct conversation has no topic.");
  if (rest === "") return said(room.topic === "" ? "There is no topic." : `Topic: ${room.topic}`);
  if (turn.state.link.phase !== "up") return wrong("There is no connection at the moment.");
  topicSet(turn, rest === "-" ? "" : rest);
  return null;
}

function help(): Note | null {
  const lines = COMMANDS.map((one) => `/${one.names[0]} ${one.arguments}`.trim() + ` – ${one.help}`);
  return said([...lines, "// begins a text with a slash"].join("\n"));
}

function isOwnName(turn: Turn, name: string): boolean {
  return turn.state.me?.name.toLowerCase() === name.toLowerCase();
}

function said(text: string): Note {
  return { text, tone: "info" };
}

function wrong(text: string): Note {
  return { text, tone: "warn" };
}
