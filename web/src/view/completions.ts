/** What could be meant by what is being typed. */
import { isDirect, type Room, type State } from "../machine/state";
import { best } from "../text/fuzzy";
import type { Trigger } from "../text/trigger";

export interface Option {
  /** What stands in the text then. */
  text: string;
  name: string;
  about: string;
  /** Whose picture is shown before the name; if nobody's, `sign` is. */
  uid: string | null;
  sign: string;
}

const SHOWN_MAX = 8;

/** The table of emoji, once it is there; its loading is asked for from here. */
export interface EmojiTable {
  findEmoji: (query: string, most: number) => { emoji: string; names: string[]; description: string }[];
  emojiNamed: (name: string) => string | undefined;
}

export function completions(state: State, room: Room, trigger: Trigger, emoji: EmojiTable | null): Option[] {
  switch (trigger.kind) {
    case "mention":
      return typedWhole(trigger, people(state, room, trigger.query));
    case "room":
      return typedWhole(trigger, rooms(state, trigger.query));
    case "emoji":
      return emoji === null ? [] : emojiLike(emoji, trigger);
  }
}

/** Where nothing is left to complete nothing is offered, so that Enter sends. */
function typedWhole(trigger: Trigger, options: Option[]): Option[] {
  const [only] = options;
  return options.length === 1 && only?.name.toLowerCase() === trigger.query.toLowerCase() ? [] : options;
}

/** Those who spoke last first, then the others of the room, then people of other rooms. */
function people(state: State, room: Room, query: string): Option[] {
  const found = new Map<string, Option>();
  const add = (name: string, uid: string, about: string) => {
    if (uid === state.me?.uid || found.has(name.toLowerCase())) return;
    found.set(name.toLowerCase(), { text: `@${name}`, name, about, uid, sign: "" });
  };
  const here = new Set<string>();
  for (const user of room.users) here.add(user.uid);
  for (let at = room.timeline.length - 1; at >= 0; at--) {
    const item = room.timeline.at(at);
    if (item?.kind === "message") add(item.from, item.uid, here.has(item.uid) ? "" : "not here now");
  }
  const absent = [...found.values()].filter((option) => !here.has(option.uid ?? ""));
  for (const option of absent) found.delete(option.name.toLowerCase());
  for (const user of [...room.users].sort((a, b) => (a.name < b.name ? -1 : 1)))
    add(user.name, user.uid, user.away ? "away" : "");
  for (const option of absent) add(option.name, option.uid ?? "", option.about);
  for (const other of state.rooms) {
    if (other !== room && !isDirect(other.name))
      for (const user of other.users) add(user.name, user.uid, `in #${other.name}`);
  }
  return best(query, [...found.values()], (option) => option.name).slice(0, SHOWN_MAX);
}

function rooms(state: State, query: string): Option[] {
  const all = [
    ...state.rooms.filter((room) => !isDirect(room.name)),
    ...state.others.filter((other) => !state.rooms.some((room) => room.name === other.name)),
  ];
  const options = all.map(({ name, topic }) => ({
    text: `#${name}`,
    name,
    about: topic,
    uid: null,
    sign: "#",
  }));
  return best(query, options, (option) => option.name).slice(0, SHOWN_MAX);
}

function emojiLike(table: EmojiTable, trigger: Trigger): Option[] {
  if (trigger.closed) {
    const named = table.emojiNamed(trigger.query);
    return named === undefined ? [] : [option(named, trigger.query, "")];
  }
  return table
    .findEmoji(trigger.query, SHOWN_MAX)
    .map((one) =>
      option(
        one.emoji,
        one.names.find((name) => name.startsWith(trigger.query)) ?? one.names[0] ?? "",
        one.description,
      ),
    );
}

function option(emoji: string, name: string, about: string): Option {
  return { text: emoji, name: `:${name}:`, about, uid: null, sign: emoji };
}
