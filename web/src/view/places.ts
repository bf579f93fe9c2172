/** Where one can go: the rooms one is in, conversations, other rooms, people; and a room that is not there yet. */
import { isDirect, type State } from "../machine/state";
import { fit } from "../text/fuzzy";

export interface Place {
  kind: "room" | "person";
  /** What is opened. */
  room: string;
  name: string;
  /** What is said of it beside its name. */
  about: string;
  unread: number;
  uid: string | null;
}

/** As names of rooms are made; what else is typed makes no new one. */
const ROOM_NAME = /^[\p{L}\p{N}_.-]+$/u;

/** Those that fit, the best first; before anything is typed, what is unread, then what was said last. */
export function places(state: State, query: string): Place[] {
  const sign = query.trim()[0];
  const wanted = query.trim().replace(/^[#@]/, "");
  const kind = sign === "@" ? "person" : sign === "#" ? "room" : null;
  const all = everywhere(state).filter((place) => kind === null || place.kind === kind);
  const found = all
    .map((place, order) => ({ place, order, score: fit(wanted, place.name) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score + bonus(b.place) - a.score - bonus(a.place) || a.order - b.order)
    .map(({ place }) => place);
  const name = wanted.toLowerCase();
  const isNew = kind !== "person" && ROOM_NAME.test(name) && !all.some((place) => place.room === name);
  if (isNew && [...name].length <= state.limits.room)
    found.push({ kind: "room", room: name, name, about: "a new room", unread: 0, uid: null });
  return found;
}

/** Of what fits about as well, that which waits to be read comes first. */
function bonus(place: Place): number {
  return place.unread > 0 ? 150 : 0;
}

function everywhere(state: State): Place[] {
  const uids = new Map<string, string>();
  for (const room of state.rooms) for (const user of room.users) uids.set(user.name, user.uid);
  const entered: Place[] = [...state.rooms]
    .sort((a, b) => b.newest - a.newest)
    .filter((room) => room.name !== state.current)
    .map((room) => {
      const direct = isDirect(room.name);
      const name = direct ? room.name.slice(1) : room.name;
      const about = direct ? "" : room.topic;
      return {
        kind: direct ? "person" : "room",
        room: room.name,
        name,
        about,
        unread: room.unread,
        uid: uids.get(name) ?? null,
      };
    });
  const others: Place[] = state.others.map((other) => ({
    kind: "room",
    room: other.name,
    name: other.name,
    about: other.topic === "" ? "not entered yet" : other.topic,
    unread: 0,
    uid: null,
  }));
  const known = new Set([...entered, ...others].map((place) => place.room));
  const people: Place[] = [...uids]
    .filter(([name, uid]) => uid !== state.me?.uid && !known.has(`@${name}`) && `@${name}` !== state.current)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, uid]) => ({ kind: "person", room: `@${name}`, name, about: "", unread: 0, uid }));
  return [...entered, ...people, ...others];
}
