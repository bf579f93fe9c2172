/**
 * The machine of the page: `update(state, event, moment)` changes the state and says what is to be done.
 *
 * It does no I/O, reads no clock, makes nothing up: the same state, event and moment always give the same. The match
 * only chooses; the handlers are in the files beside this one.
 */
import { tickAgain } from "./again";
import {
  asideCancelled,
  deleted,
  draftChanged,
  editStarted,
  lastEdited,
  noteClosed,
  reacted,
  replyStarted,
  submitted,
} from "./compose";
import { onElsewhere, tabsPresent, tickElsewhere, usedHere } from "./elsewhere";
import type { Effect, Event, Moment } from "./events";
import { onFrame, tickQuestions } from "./frames";
import { askNewer, askOlder, newestWanted } from "./history";
import { jumpDone, messageWanted } from "./jump";
import {
  doubt,
  leaderTold,
  linkHeard,
  linkLost,
  linkOpened,
  moveLink,
  openLink,
  retryNow,
  socketWorks,
  tickLink,
} from "./link";
import { notifyAnswered, notifyToggled } from "./notify";
import { discarded, retried, tickOutbox } from "./outbox";
import {
  copied,
  drawerSet,
  overlaySet,
  partMissing,
  soundToggled,
  started,
  themeCycled,
  tickToasts,
} from "./page";
import { tickPresence } from "./presence";
import { scrolled, tickReading, visibleChanged } from "./reading";
import { roomLeft, roomOpened, roomStepped, tickRooms, topicSet } from "./rooms";
import { searchAsked, searchMore } from "./search";
import { nameChosen, signedOut } from "./session";
import { currentRoom, type State } from "./state";
import { Turn } from "./turn";

export function update(state: State, event: Event, moment: Moment): Effect[] {
  const turn = new Turn(state, moment);
  if ("serial" in event && event.serial !== state.link.serial) return [];
  choose(turn, event);
  return turn.effects;
}

function choose(turn: Turn, event: Event): void {
  const { state } = turn;
  const room = currentRoom(state);
  switch (event.type) {
    case "started":
      return started(turn, event);
    case "tick":
      return tick(turn);
    case "visible":
      visibleChanged(turn, event.on);
      if (event.on) doubt(turn);
      return;
    case "network":
      state.link.network = event.on;
      return doubt(turn);
    case "link_opened":
      return linkOpened(turn);
    case "link_heard":
      return linkHeard(turn);
    case "link_frame":
      linkHeard(turn);
      return onFrame(turn, event.frame);
    case "link_closed":
      return linkLost(turn);
    case "retry_due":
      return state.link.phase === "waiting" ? openLink(turn) : undefined;
    case "socket_works":
      return socketWorks(turn);
    case "leader_told":
      return leaderTold(turn, event.state);
    case "link_misplaced":
      return moveLink(turn);
    case "tabs_present":
      return tabsPresent(turn, event.tabs, event.graceMs);
    case "used":
      return usedHere(turn);
    case "elsewhere":
      return onElsewhere(turn, event.change);
    case "reconnect_asked":
      return retryNow(turn);
    case "name_typed":
      state.entry.name = event.text;
      return;
    case "name_chosen":
      return nameChosen(turn, event.name);
    case "signed_out":
      return signedOut(turn);
    case "room_opened":
      return roomOpened(turn, event.room);
    case "room_left":
      return roomLeft(turn, event.room);
    case "topic_set":
      return topicSet(turn, event.topic);
    case "room_stepped":
      return roomStepped(turn, event.by, event.unread);
    case "older_wanted":
      return room && askOlder(turn, room);
    case "newer_wanted":
      return room && askNewer(turn, room);
    case "newest_wanted":
      return room && newestWanted(turn, room);
    case "message_wanted":
      return messageWanted(turn, event.room, event.id, event.ts);
    case "jump_done":
      return jumpDone(turn, event.room);
    case "search_asked":
      return searchAsked(turn, event.query, event.room);
    case "search_more":
      return searchMore(turn);
    case "scrolled":
      return scrolled(turn, event.room, event.following);
    case "draft_changed":
      return draftChanged(turn, event.text);
    case "submitted":
      return submitted(turn, event.nonce);
    case "reply_started":
      return replyStarted(turn, event.id);
    case "edit_started":
      return editStarted(turn, event.id);
    case "last_edited":
      return lastEdited(turn);
    case "aside_cancelled":
      return asideCancelled(turn);
    case "note_closed":
      return noteClosed(turn);
    case "retried":
      return retried(turn, event.nonce);
    case "discarded":
      return discarded(turn, event.nonce);
    case "deleted":
      return deleted(turn, event.id, event.nonce);
    case "reacted":
      return reacted(turn, event.id, event.emoji, event.nonce);
    case "theme_cycled":
      return themeCycled(turn, event.systemDark);
    case "sound_toggled":
      return soundToggled(turn);
    case "notify_toggled":
      return notifyToggled(turn);
    case "notify_answered":
      return notifyAnswered(turn, event.notify);
    case "drawer":
      return drawerSet(turn, event.which);
    case "overlay":
      return overlaySet(turn, event.overlay);
    case "copy_asked":
      return turn.effect({ type: "copy", text: event.text });
    case "copied":
      return copied(turn, event.done);
    case "part_missing":
      return partMissing(turn);
    case "toast_closed":
      state.toasts = state.toasts.filter((toast) => toast.id !== event.id);
      return;
  }
}

function tick(turn: Turn): void {
  tickLink(turn);
  tickPresence(turn);
  tickToasts(turn);
  tickElsewhere(turn);
  if (turn.state.link.phase !== "up") return;
  tickQuestions(turn);
  tickOutbox(turn);
  tickReading(turn);
  tickRooms(turn);
  tickAgain(turn);
}
