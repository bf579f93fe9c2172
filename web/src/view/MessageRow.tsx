/** One message: who, when, what, what has become of it, and what can be done with it. */
import { createMemo, For, Show, type JSX } from "solid-js";
import { newNonce } from "../edge/nonce";
import type { Item, Message, Room } from "../machine/state";
import { findMessage } from "../machine/timeline";
import { GROUP_US } from "../protocol/limits";
import { cleanLine } from "../text/clean";
import { colourClass, initial } from "../text/colour";
import { mentions } from "../text/mentions";
import { clockTime, fullTime, isoTime } from "../text/time";
import { useChat } from "./context";
import { Check, Clock, Reply, Smile, Warning } from "./icons";
import { MessageText } from "./MessageText";
import { excerpt, soon } from "./soon";

/** Of those who reacted so many are named. */
const REACTORS_NAMED_MAX = 12;

interface MessageRowProps {
  room: Room;
  message: Message;
  previous: Item | undefined;
  active: boolean;
  stop: boolean;
}

/**
 * Rows are most of what the browser builds and lays out when a room is opened, so one is few elements, without boxes
 * that only place others, and what most rows lack is a plain condition, of which a `Show` would make three.
 */
export function MessageRow(props: MessageRowProps): JSX.Element {
  const { state } = useChat();
  const message = () => props.message;
  const own = () => message().status !== "sent" || message().uid === state.me?.uid;
  const toMe = () => !own() && mentions(message().text, state.me?.name ?? "");
  const grouped = createMemo(() => message().replyTo === null && follows(props.previous, message()));
  return (
    <article
      data-message-id={message().id}
      data-status={message().status}
      tabindex={props.stop ? 0 : -1}
      aria-label={`${cleanLine(message().from)}, ${clockTime(message().ts)}${message().late ? ", arrived late" : ""}`}
      class={`relative pr-3 pl-15 outline-offset-[-2px] sm:pr-4 sm:pl-16 ${grouped() ? "py-0.5" : "pt-2 pb-0.5"} ${toMe() ? "to-me" : props.active ? "bg-hover/60" : ""}`}
    >
      {grouped() ? (
        props.active && <MarginTime ts={message().ts} />
      ) : (
        <Author message={message()} active={props.active} />
      )}
      {message().replyTo !== null && <Quote room={props.room} id={message().replyTo ?? ""} />}
      <div
        class={`${own() && !message().deleted ? "relative pr-5.5" : ""} ${message().status === "pending" ? "text-muted" : ""}`}
      >
        {message().deleted ? (
          <p class="text-muted italic">This message was deleted.</p>
        ) : (
          <MessageText text={message().text} edited={message().edited} />
        )}
        {own() && !message().deleted && <Status message={message()} />}
      </div>
      {message().status === "failed" && <Failure message={message()} />}
      <Reactions message={message()} />
      {props.active && message().status === "sent" && !message().deleted && (
        <Show when={soon()} keyed>
          {({ MessageActions }) => <MessageActions message={message()} own={own()} />}
        </Show>
      )}
    </article>
  );
}

/** Who speaks, above the first of the messages that go on from each other. */
function Author(props: { message: Message; active: boolean }): JSX.Element {
  const message = () => props.message;
  return (
    <>
      <span
        class={`avatar absolute top-2.5 left-3 size-9 leading-9 sm:left-4 ${colourClass(message().uid)}`}
        aria-hidden="true"
      >
        {initial(message().from)}
      </span>
      <div class="flex items-baseline gap-2">
        <span class={`remote min-w-0 truncate font-semibold ${colourClass(message().uid)}`}>
          {cleanLine(message().from)}
        </span>
        <time
          class="flex-none text-xs text-muted"
          datetime={isoTime(message().ts)}
          title={props.active ? fullTime(message().ts) : undefined}
        >
          {clockTime(message().ts)}
        </time>
        {message().late && (
          <span
            class="flex-none text-xs text-warn"
            title="It reached this node after newer messages, and stands where it was written"
          >
            arrived late
          </span>
        )}
      </div>
    </>
  );
}

/** When a message without a line of its own for that was written. */
function MarginTime(props: { ts: number }): JSX.Element {
  return (
    <time
      class="absolute left-0 w-12 pt-1 text-right text-[10px] tracking-tight whitespace-nowrap text-muted sm:w-13"
      datetime={isoTime(props.ts)}
    >
      {clockTime(props.ts)}
    </time>
  );
}

/** Whether a message goes on from the one before it, without saying again who speaks. */
function follows(previous: Item | undefined, message: Message): boolean {
  return (
    previous?.kind === "message" &&
    previous.uid === message.uid &&
    previous.from === message.from &&
    !previous.late &&
    !message.late &&
    message.ts - previous.ts < GROUP_US
  );
}

/** What a message answers; a click goes there, however far back it is. */
function Quote(props: { room: Room; id: string }): JSX.Element {
  const { dispatch } = useChat();
  const original = createMemo(() => findMessage(props.room, props.id));
  return (
    <button
      class="mb-0.5 flex min-h-6 max-w-full items-center gap-1.5 rounded border-l-2 border-line-strong bg-hover/70 px-2 py-0.5 text-left text-[13px] text-muted hover:text-ink"
      title="Go to the message that is answered"
      onClick={() => dispatch({ type: "message_wanted", room: props.room.name, id: props.id, ts: null })}
    >
      <Reply class="size-3.5 flex-none" />
      <span class="remote truncate">
        <Show when={original()} fallback="an earlier message">
          {(message) => (
            <>
              <span class={`font-medium ${colourClass(message().uid)}`}>{cleanLine(message().from)}</span>{" "}
              {message().deleted ? "deleted message" : excerpt(message().text)}
            </>
          )}
        </Show>
      </span>
    </button>
  );
}

function Status(props: { message: Message }): JSX.Element {
  const { state } = useChat();
  const saving = () =>
    state.outbox.some((deed) => deed.body.kind === "edit" && deed.body.id === props.message.id);
  return (
    <Show when={props.message.status !== "failed"}>
      <span
        class="absolute right-0 bottom-0 pb-0.5 text-muted"
        title={props.message.status === "pending" ? "Sending" : saving() ? "Saving" : "Stored"}
      >
        <Show
          when={props.message.status === "pending" || saving()}
          fallback={<Check class="size-3.5 opacity-70" />}
        >
          <Clock class="size-3.5" />
        </Show>
        <span class="sr-only">{props.message.status === "pending" ? "Sending" : "Sent"}</span>
      </span>
    </Show>
  );
}

function Failure(props: { message: Message }): JSX.Element {
  const { dispatch } = useChat();
  return (
    <p class="remote mt-0.5 flex flex-wrap items-center gap-x-1 rounded-lg bg-bad-soft px-2 py-0.5 text-[13px] text-bad">
      <Warning class="size-4 flex-none" />
      <span class="mr-2 ml-0.5">Not sent. {cleanLine(props.message.problem ?? "")}</span>
      <button
        class="min-h-7 rounded px-1.5 font-semibold underline pointer-coarse:min-h-11"
        onClick={() => dispatch({ type: "retried", nonce: props.message.nonce })}
      >
        Retry
      </button>
      <button
        class="min-h-7 rounded px-1.5 underline pointer-coarse:min-h-11"
        onClick={() => dispatch({ type: "discarded", nonce: props.message.nonce })}
      >
        Discard
      </button>
    </p>
  );
}

function Reactions(props: { message: Message }): JSX.Element {
  const { state, dispatch } = useChat();
  const shown = () => Object.entries(props.message.reactions).filter(([, names]) => names.length > 0);
  const mine = (names: string[]) => names.includes(state.me?.name ?? "");
  return (
    <>
      {shown().length > 0 && (
        <div class="mt-1 mb-0.5 flex flex-wrap gap-1">
          <For each={shown()}>
            {([emoji, names]) => (
              <button
                class={`flex min-h-6.5 items-center gap-1 rounded-full border px-2 py-px text-[13px] pointer-coarse:min-h-9 ${mine(names) ? "border-accent bg-accent-soft text-accent" : "border-line bg-shade hover:bg-hover"}`}
                aria-pressed={mine(names)}
                aria-label={`${cleanLine(emoji)} ${names.length}: ${who(names, state.me?.name)}`}
                title={who(names, state.me?.name)}
                onClick={() => dispatch({ type: "reacted", id: props.message.id, emoji, nonce: newNonce() })}
              >
                <span class="remote emoji max-w-24 truncate">{cleanLine(emoji)}</span>
                <span>{names.length}</span>
              </button>
            )}
          </For>
          <button
            class="flex min-h-6.5 items-center rounded-full border border-line bg-shade px-2 text-muted hover:bg-hover hover:text-ink pointer-coarse:min-h-9"
            aria-label="Add a reaction"
            title="Add a reaction"
            onClick={() =>
              dispatch({ type: "overlay", overlay: { kind: "emoji", message: props.message.id } })
            }
          >
            <Smile class="size-4" />
          </button>
        </div>
      )}
    </>
  );
}

/** Who reacted, oneself first. */
function who(names: string[], me: string | undefined): string {
  const others = names.filter((name) => name !== me).map(cleanLine);
  const all = others.length < names.length ? ["you", ...others] : others;
  if (all.length > REACTORS_NAMED_MAX)
    return `${all.slice(0, REACTORS_NAMED_MAX).join(", ")} and ${all.length - REACTORS_NAMED_MAX} more`;
  return all.length > 1 ? `${all.slice(0, -1).join(", ")} and ${all.at(-1)}` : (all[0] ?? "");
}
