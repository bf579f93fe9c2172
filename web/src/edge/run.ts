/**
 * The edge: carries out what the machine decides, and tells it what happens. All clocks, dice, sockets and storage of
 * the page are here and in the files that this one calls.
 */
import { batch } from "solid-js";
import { createStore, produce } from "solid-js/store";
import type { Effect, Event } from "../machine/events";
import { connectionState } from "../machine/link";
import { initialState, type State, type Transport } from "../machine/state";
import { update } from "../machine/update";
import { ADOPT_AFTER_MS, OPEN_WAIT_MS } from "../protocol/limits";
import type { LinkEvents, ServerLink } from "../transport/link";
import { fetchPolling, openPolling } from "../transport/later";
import { openWebSocket, probeWebSocket } from "../transport/websocket";
import { copyText } from "./clipboard";
import { newTabId } from "./nonce";
import { ask, notify } from "./notify";
import { blip } from "./sound";
import * as storage from "./storage";
import { sharing, Tabs } from "./tabs/tabs";

const TICK_MS = 500;

/** By then the page is there. */
const POLLING_AFTER_MS = 4000;

export type Dispatch = (event: Event) => void;

export interface Chat {
  state: State;
  dispatch: Dispatch;
}

export function startChat(): Chat {
  const [state, setState] = createStore<State>(initialState());
  const links = new Map<number, ServerLink>();
  const queue: Event[] = [];
  let busy = false;

  const dispatch: Dispatch = (event) => {
    queue.push(event);
    if (busy) return;
    busy = true;
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const event = next;
        // What is to be said is said before the views follow the state: the server answers while they do.
        batch(() => turn(event).forEach(carryOut));
      }
    } finally {
      busy = false;
    }
    tabs.tell(connectionState(state.link));
    if (tabs.misplaced && state.link.phase === "up") dispatch({ type: "link_misplaced" });
  };

  const turn = (event: Event): Effect[] => {
    let effects: Effect[] = [];
    const moment = { now: Date.now(), chance: Math.random() };
    setState(
      produce((draft) => {
        effects = update(draft, event, moment);
      }),
    );
    return effects;
  };

  const open = (serial: number, transport: Transport) => {
    const events: LinkEvents = {
      opened: () => dispatch({ type: "link_opened", serial }),
      heard: () => dispatch({ type: "link_heard", serial }),
      frame: (frame) => dispatch({ type: "link_frame", serial, frame }),
      closed: () => {
        links.delete(serial);
        dispatch({ type: "link_closed", serial });
      },
    };
    links.set(serial, tabs.open(transport, events, state.token !== null));
  };

  const carryOut = (effect: Effect): void => {
    switch (effect.type) {
      case "open":
        return open(effect.serial, effect.transport);
      case "close":
        links.get(effect.serial)?.close();
        links.delete(effect.serial);
        return;
      case "say":
        return links.get(effect.serial)?.say(effect.frame);
      case "retry_after":
        setTimeout(() => dispatch({ type: "retry_due", serial: effect.serial }), effect.ms);
        return;
      case "ask_present":
        return void tabs.lookAround(ADOPT_AFTER_MS);
      case "ask_retry":
        return tabs.retry();
      case "probe_socket":
        return probeWebSocket(() => dispatch({ type: "socket_works" }), OPEN_WAIT_MS);
      case "remember":
        return storage.remember(effect.key, effect.value);
      case "remember_draft":
        return storage.rememberDraft(effect.room, effect.text);
      case "keep_deed":
        return storage.keepDeed(effect.deed);
      case "forget_deed":
        return storage.forgetDeed(effect.nonce);
      case "blip":
        return blip();
      case "copy":
        void copyText(effect.text).then((done) => dispatch({ type: "copied", done }));
        return;
      case "ask_notify":
        void ask().then((notify) => dispatch({ type: "notify_answered", notify }));
        return;
      case "notify":
        return notify(effect, dispatch);
      case "focus_composer":
        return focusComposer();
    }
  };

  const pollOnly = new URLSearchParams(location.search).get("transport") === "poll";
  const tabs = new Tabs(newTabId(), sharing(), pollOnly, dispatch, (transport, events) =>
    transport === "ws" ? openWebSocket(events) : openPolling(events),
  );
  listen(dispatch, state, tabs);
  dispatch({ type: "started", tab: tabs.id, remembered: storage.recall(), pollOnly, room: roomInAddress() });
  void tabs.lookAround(0);
  return { state, dispatch };
}

function listen(dispatch: Dispatch, state: State, tabs: Tabs): void {
  setTimeout(fetchPolling, POLLING_AFTER_MS);
  setInterval(() => {
    dispatch({ type: "tick" });
    tabs.tick(Date.now(), document.visibilityState === "visible");
  }, TICK_MS);
  storage.hearElsewhere((change) => dispatch({ type: "elsewhere", change }));
  const used = () => state.used !== tabs.id && dispatch({ type: "used" });
  for (const touch of ["focus", "pointerdown", "keydown"]) addEventListener(touch, used, { capture: true });
  addEventListener("pagehide", () => state.used === tabs.id && storage.remember("used", null));
  const visible = () => dispatch({ type: "visible", on: document.visibilityState === "visible" });
  document.addEventListener("visibilitychange", visible);
  addEventListener("online", () => dispatch({ type: "network", on: true }));
  addEventListener("offline", () => dispatch({ type: "network", on: false }));
  addEventListener("hashchange", () => {
    const room = roomInAddress();
    if (room) dispatch({ type: "room_opened", room });
  });
}

/** `#ops` and `#@bob` open a room. */
function roomInAddress(): string | null {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null;
  }
}

/** Not on a phone, where it would bring up the keyboard. */
function focusComposer(): void {
  if (!matchMedia("(hover: hover)").matches) return;
  queueMicrotask(() => document.querySelector<HTMLElement>("[data-composer]")?.focus());
}
