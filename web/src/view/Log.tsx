/** The messages of the open room. */
import {
  createComputed,
  createEffect,
  createMemo,
  createSelector,
  createSignal,
  mapArray,
  on,
  onCleanup,
  onMount,
  Show,
  type JSX,
} from "solid-js";
import type { Dispatch } from "../edge/run";
import type { Item, Message, Notice, Room } from "../machine/state";
import { dayName, dayOf } from "../text/time";
import { useChat } from "./context";
import { Down } from "./icons";
import { onListKey, type KeyboardList } from "./list/keys";
import { createList } from "./list/list";
import type { Entry, MessageList, Shown } from "./list/types";
import { MessageRow } from "./MessageRow";
import { NoticeRow } from "./NoticeRow";
import { bringIntoView } from "./jumping";
import { inTwoSteps } from "./twoSteps";

export function Log(props: { room: Room }): JSX.Element {
  const { state, dispatch } = useChat();
  const [active, setActive] = createSignal<string | null>(null);
  const [stop, setStop] = createSignal<string | null>(null);
  const isActive = createSelector(active);
  const whole = inTwoSteps(() => props.room);
  let view!: HTMLDivElement;
  let content!: HTMLDivElement;

  const list = createList({
    timeline: () => props.room.timeline,
    whole,
    following: () => props.room.following,
    setFollowing: (following) => dispatch({ type: "scrolled", room: props.room.name, following }),
    nearTop: () => props.room.hasOlder && dispatch({ type: "older_wanted" }),
    nearEnd: () => props.room.hasNewer && dispatch({ type: "newer_wanted" }),
    drawn: (shown) => numberArticles(props.room, shown, content),
  });
  // One message is in the order of the Tab key; the arrow keys go on from it.
  const isStop = createSelector(() => tabStop(list.shown(), stop(), list.atTop(), props.room.following));
  const rows = createMemo(
    mapArray(
      () => list.shown().keys,
      (key) =>
        (<Row room={props.room} name={key} list={list} isActive={isActive} isStop={isStop} />) as HTMLElement,
    ),
  );

  onMount(() => {
    list.attach(view, content, rows);
    const observer = new ResizeObserver(list.resized);
    observer.observe(content);
    observer.observe(view);
    onCleanup(() => {
      observer.disconnect();
      list.detach();
    });
  });
  createEffect(
    on(
      () => [
        props.room.timeline,
        props.room.following,
        props.room.firstUnread,
        props.room.hasOlder,
        props.room.hasNewer,
        whole(),
        state.link.phase,
      ],
      () => queueMicrotask(list.changed),
      { defer: true },
    ),
  );

  bringIntoView({
    room: () => props.room,
    ready: whole,
    show: (index) => list.show(index, "middle"),
    row: (id) => view.querySelector<HTMLElement>(`article[data-message-id="${CSS.escape(id)}"]`),
    done: () => dispatch({ type: "jump_done", room: props.room.name }),
  });

  return (
    <div class="relative isolate min-h-0 flex-1">
      <div
        ref={view}
        role="log"
        aria-label="Messages"
        aria-live="off"
        aria-busy={props.room.phase === "loading"}
        class="relative h-full overflow-x-hidden overflow-y-auto [overflow-anchor:none]"
        onScroll={list.scrolled}
        onKeyDown={(event) => onListKey(event, keyboardOf(props.room, list, view, dispatch))}
        onPointerOver={(event) => event.pointerType === "mouse" && setActive(messageOf(event.target))}
        onPointerLeave={(event) => event.pointerType === "mouse" && setActive(null)}
        onClick={(event) => {
          // A button that has just given way to another says nothing about where the click was.
          if ((event.target as Element).isConnected) setActive(messageOf(event.target));
        }}
        onFocusIn={(event) => {
          const id = messageOf(event.target);
          setStop(id);
          if ((event.target as Element).matches(":focus-visible")) setActive(id);
        }}
      >
        <div class="flex min-h-full flex-col justify-end">
          <Beginning room={props.room} whole={whole()} />
          <div ref={content} class="mt-2 mb-3" />
        </div>
      </div>
      <JumpToNewest room={props.room} focusNewest={() => list.show(newestOf(props.room), "nearest")} />
    </div>
  );
}

/** The message that the Tab key goes to: the last that had the focus, or what the reader looks at. */
function tabStop(
  { entries }: Shown,
  last: string | null,
  atTop: string | null,
  following: boolean,
): string | null {
  const ids = [...entries.values()].filter(({ item }) => item.kind === "message").map(({ item }) => item.id);
  if (last !== null && ids.includes(last)) return last;
  if (!following && atTop !== null && ids.includes(atTop)) return atTop;
  return ids.at(-1) ?? null;
}

function keyboardOf(room: Room, list: MessageList, view: HTMLElement, dispatch: Dispatch): KeyboardList {
  return {
    length: () => room.timeline.length,
    indexOf: (id) => room.timeline.indexOf(id),
    isMessage: (index) => room.timeline.at(index)?.kind === "message",
    viewHeight: () => view.clientHeight,
    indexFurther: list.indexFurther,
    show: (index) => list.show(index, "nearest"),
    showNewest: () => {
      list.show(newestOf(room), "nearest");
      if (room.hasNewer || !room.following) dispatch({ type: "newest_wanted" });
    },
  };
}

/** Where the newest message is that is here; -1 if there is none. */
function newestOf({ timeline }: Room): number {
  const last = timeline.findLast(isMessage);
  return last ? timeline.indexOf(last.id) : -1;
}

/** In a room that is here as a whole a screen reader says which of how many messages one is; else nobody knows. */
function numberArticles(room: Room, { entries }: Shown, content: HTMLElement): void {
  const known = !room.hasOlder && !room.hasNewer && room.phase === "open";
  const messages = known ? room.timeline.filter(isMessage) : [];
  const shown = [...entries.values()].map(({ item }) => item).filter(isMessage);
  let place = -1;
  content.querySelectorAll("article").forEach((article, i) => {
    // They stand together, but for the one with the focus.
    place++;
    if (known && messages[place] !== shown[i]) place = messages.indexOf(shown[i] as Message);
    if (known) {
      article.setAttribute("aria-posinset", `${place + 1}`);
      article.setAttribute("aria-setsize", `${messages.length}`);
    } else {
      article.removeAttribute("aria-posinset");
      article.removeAttribute("aria-setsize");
    }
  });
}

function isMessage(item: Item): item is Message {
  return item.kind === "message";
}

function Row(props: {
  room: Room;
  name: string;
  list: MessageList;
  isActive: (id: string) => boolean;
  isStop: (id: string) => boolean;
}): JSX.Element {
  // A row that goes keeps what it showed until it is gone.
  const entry = createMemo<Entry | undefined>((was) => props.list.shown().entries.get(props.name) ?? was);
  const item = createMemo(() => entry()?.item as Item);
  const previous = createMemo(() => entry()?.previous);
  const message = () => item() as Message;
  const newDay = createMemo(() => {
    const before = previous();
    return item().ts > 0 && (!before || dayOf(before.ts) !== dayOf(item().ts));
  });
  const firstUnread = () => props.room.firstUnread === item().id;
  return (
    <div class="flow-root">
      {newDay() && <Divider text={dayName(item().ts, Date.now())} />}
      {firstUnread() && <Divider text="New" accent />}
      {item().kind === "message" ? (
        <MessageRow
          room={props.room}
          message={message()}
          previous={newDay() || firstUnread() ? undefined : previous()}
          active={props.isActive(item().id)}
          stop={props.isStop(item().id)}
        />
      ) : (
        <NoticeRow notice={item() as Notice} />
      )}
    </div>
  );
}

function Divider(props: { text: string; accent?: boolean }): JSX.Element {
  return (
    <div
      role="separator"
      class={`flex items-center gap-3 px-4 py-3 text-xs font-medium ${props.accent ? "text-accent" : "text-muted"}`}
    >
      <span class={`h-px flex-1 ${props.accent ? "bg-accent" : "bg-line"}`} />
      {props.text}
      <span class={`h-px flex-1 ${props.accent ? "bg-accent" : "bg-line"}`} />
    </div>
  );
}

/**
 * What stands above the first message: that there are more, that there are none, or that it begins here. Until the
 * room is shown as a whole its first message is not there, and nothing is said of what is above it.
 */
function Beginning(props: { room: Room; whole: boolean }): JSX.Element {
  const { state } = useChat();
  const waiting = () => props.room.phase !== "open";
  const empty = () => props.room.timeline.length === 0;
  return (
    <div class="px-4 pt-6 text-center text-sm text-muted">
      <Show when={waiting()}>
        <p class="pulse pb-6">
          {state.link.phase === "up" ? "Opening the room…" : "Waiting for the connection…"}
        </p>
      </Show>
      <Show when={!waiting() && empty() && !props.room.hasOlder}>
        <p class="pb-6">Nothing has been said here yet. You could be the first.</p>
      </Show>
      <Show when={!waiting() && props.whole && props.room.hasOlder}>
        <p class="pulse">Fetching older messages…</p>
      </Show>
      <Show when={!waiting() && props.whole && !empty() && !props.room.hasOlder}>
        <p>This is where it begins.</p>
      </Show>
    </div>
  );
}

function JumpToNewest(props: { room: Room; focusNewest: () => void }): JSX.Element {
  const { dispatch } = useChat();
  const shown = () => props.room.phase === "open" && (!props.room.following || props.room.hasNewer);
  let button: HTMLButtonElement | undefined;
  // Looks before the button goes: if it had the focus, the newest message has it then.
  createComputed<boolean>((was) => {
    if (was && !shown() && document.activeElement === button) queueMicrotask(props.focusNewest);
    return shown();
  }, false);
  return (
    <Show when={shown()}>
      <button
        ref={button}
        class="absolute right-4 bottom-3 z-20 flex items-center gap-1.5 rounded-full border border-line bg-raised py-1.5 pr-3.5 pl-2.5 text-sm font-medium shadow-float hover:bg-hover"
        onClick={() => dispatch({ type: "newest_wanted" })}
      >
        <Down class="size-4" />
        <Show when={props.room.below > 0} fallback="Jump to newest">
          {props.room.below} new {props.room.below === 1 ? "message" : "messages"}
        </Show>
      </button>
    </Show>
  );
}

function messageOf(target: EventTarget | null): string | null {
  return (target as Element | null)?.closest<HTMLElement>("[data-message-id]")?.dataset["messageId"] ?? null;
}
