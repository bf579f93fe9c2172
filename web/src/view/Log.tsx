/** The messages of the open room. */
import {
  createEffect,
  createSelector,
  createSignal,
  For,
  on,
  onCleanup,
  onMount,
  Show,
  type JSX,
} from "solid-js";
import type { Item, Room } from "../machine/state";
import { dayName, dayOf } from "../text/time";
import { useChat } from "./context";
import { Down } from "./icons";
import { MessageRow } from "./MessageRow";
import { NoticeRow } from "./NoticeRow";
import { bringIntoView } from "./jumping";
import { keepPlace, type Scrolling } from "./scrolling";
import { inTwoSteps } from "./twoSteps";

export function Log(props: { room: Room }): JSX.Element {
  const { state, dispatch } = useChat();
  const [active, setActive] = createSignal<string | null>(null);
  const [stop, setStop] = createSignal<string | null>(null);
  const isActive = createSelector(active);
  // One message is in the order of the Tab key; the arrow keys go on from it.
  const isStop = createSelector(() => stop() ?? props.room.timeline.at(-1)?.id ?? null);
  const steps = inTwoSteps(() => props.room);
  let view!: HTMLDivElement;
  let content!: HTMLDivElement;
  let scrolling: Scrolling | undefined;

  onMount(() => {
    scrolling = keepPlace(view, content, {
      following: () => props.room.following,
      setFollowing: (following) => dispatch({ type: "scrolled", room: props.room.name, following }),
      nearTop: () => props.room.hasOlder && steps.whole() && dispatch({ type: "older_wanted" }),
      nearEnd: () => props.room.hasNewer && dispatch({ type: "newer_wanted" }),
    });
    const observer = new ResizeObserver(() => scrolling?.settle());
    observer.observe(content);
    observer.observe(view);
    onCleanup(() => observer.disconnect());
  });
  createEffect(
    on(
      () => [
        props.room.timeline.length,
        props.room.timeline[0]?.id,
        steps.whole(),
        props.room.timeline.at(-1)?.id,
        props.room.following,
        state.link.phase,
      ],
      () => scrolling?.settle(),
    ),
  );

  bringIntoView(
    () => props.room,
    () => view,
    steps.whole,
    () => dispatch({ type: "jump_done", room: props.room.name }),
  );

  return (
    <div class="relative isolate min-h-0 flex-1">
      <div
        ref={view}
        role="log"
        aria-label="Messages"
        aria-live="off"
        aria-busy={props.room.phase === "loading"}
        class="relative h-full overflow-x-hidden overflow-y-auto [overflow-anchor:none]"
        onScroll={() => scrolling?.scrolled()}
        onKeyDown={(event) => moveFocus(event, content)}
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
          <Beginning room={props.room} whole={steps.whole()} />
          <div ref={content} class="pt-2 pb-3">
            <For each={steps.items()}>
              {(item, index) => (
                <Row
                  room={props.room}
                  item={item}
                  previous={steps.previous(index())}
                  active={isActive(item.id)}
                  stop={isStop(item.id)}
                />
              )}
            </For>
          </div>
        </div>
      </div>
      <JumpToNewest room={props.room} />
    </div>
  );
}

function Row(props: {
  room: Room;
  item: Item;
  previous: Item | undefined;
  active: boolean;
  stop: boolean;
}): JSX.Element {
  const newDay = () =>
    props.item.ts > 0 && (!props.previous || dayOf(props.previous.ts) !== dayOf(props.item.ts));
  const firstUnread = () => props.room.firstUnread === props.item.id;
  return (
    <div>
      {newDay() && <Divider text={dayName(props.item.ts, Date.now())} />}
      {firstUnread() && <Divider text="New" accent />}
      {props.item.kind === "message" ? (
        <MessageRow
          room={props.room}
          message={props.item}
          previous={newDay() || firstUnread() ? undefined : props.previous}
          active={props.active}
          stop={props.stop}
        />
      ) : (
        <NoticeRow notice={props.item} />
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

function JumpToNewest(props: { room: Room }): JSX.Element {
  const { dispatch } = useChat();
  const shown = () => props.room.phase === "open" && (!props.room.following || props.room.hasNewer);
  return (
    <Show when={shown()}>
      <button
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

function moveFocus(event: KeyboardEvent, content: HTMLElement): void {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  const from = (event.target as HTMLElement).closest<HTMLElement>("article");
  if (!from) return;
  const all = [...content.querySelectorAll<HTMLElement>("article")];
  const next = all[all.indexOf(from) + (event.key === "ArrowUp" ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
