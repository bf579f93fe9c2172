/** Where one writes: the text, what it answers or changes, how long it is, who else is typing. */
import { createEffect, createSignal, on, onMount, Show, type JSX } from "solid-js";
import { newNonce } from "../edge/nonce";
import { countScalars } from "../machine/compose";
import { isDirect, type Room } from "../machine/state";
import { findMessage } from "../machine/timeline";
import { cleanLine, cleanText } from "../text/clean";
import { triggerAt, type Trigger } from "../text/trigger";
import type { CompletionProps } from "./Completion";
import { useChat } from "./context";
import { Close, Pencil, Reply, Send, Smile } from "./icons";
import { lazily } from "./lazily";
import { excerpt } from "./soon";
import { TypingLine } from "./TypingLine";

/** From this part of the limit on the count warns. */
const WARN_FROM = 0.9;
const HEIGHT_PX_MAX = 220;

/** A device that is touched; a keyboard may still be plugged in. */
const TOUCHED = matchMedia("(hover: none) and (pointer: coarse)").matches;

/**
 * Enter sends, but for the one of a keyboard on the glass: that has no Shift+Enter for a new line, and Send is beside it.
 * Behind such a key there is no place on a keyboard, which is what `code` names.
 */
function sends(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey) return true;
  if (event.shiftKey || event.altKey) return false;
  return !TOUCHED || event.code === "Enter" || event.code === "NumpadEnter";
}

const Completion = lazily<CompletionProps>(() => import("./Completion").then((part) => part.Completion));

export function Composer(props: { room: Room }): JSX.Element {
  const { state, dispatch } = useChat();
  let area!: HTMLTextAreaElement;
  const draft = () => props.room.draft;
  const count = () => countScalars(draft().text);
  const tooLong = () => count() > state.limits.text;
  const nearLimit = () => count() >= state.limits.text * WARN_FROM;
  const empty = () => draft().text.trim() === "";
  const submit = () => {
    if (!empty() && !tooLong()) dispatch({ type: "submitted", nonce: newNonce() });
    area.focus();
  };
  const [trigger, setTrigger] = createSignal<Trigger | null>(null);
  let dismissed: number | null = null;
  let completionTakes: ((event: KeyboardEvent) => boolean) | null = null;
  const lookForTrigger = () => {
    const found =
      area.selectionStart === area.selectionEnd ? triggerAt(area.value, area.selectionStart) : null;
    // What was dismissed is not offered again for the same sign.
    if (found?.from !== dismissed) dismissed = null;
    setTrigger(found !== null && dismissed === null ? found : null);
  };
  const dismiss = () => {
    dismissed = trigger()?.from ?? null;
    setTrigger(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // An input method's Enter chooses a word; Safari tells of it only by this number.
    if (event.isComposing || event.keyCode === 229) return;
    if (completionTakes?.(event)) return;
    if (event.key === "Enter" && sends(event)) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && props.room.note !== null) {
      event.stopPropagation();
      dispatch({ type: "note_closed" });
    } else if (event.key === "Escape" && (draft().editing ?? draft().replyTo) !== null) {
      event.stopPropagation();
      dispatch({ type: "aside_cancelled" });
    } else if (event.key === "ArrowUp" && draft().text === "" && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      dispatch({ type: "last_edited" });
    }
  };
  /** Another tab may have written it: then whoever stands in the text here stays where they are, or at its end. */
  const show = (text: string) => {
    const { selectionStart, selectionEnd, value } = area;
    area.value = text;
    if (draft().editing === null && selectionEnd < value.length)
      area.setSelectionRange(selectionStart, selectionEnd);
  };
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, HEIGHT_PX_MAX)}px`;
  };
  createEffect(
    on(
      () => draft().text,
      () => {
        if (area.value !== draft().text) {
          show(draft().text);
          setTrigger(null);
        }
        fit();
      },
    ),
  );
  onMount(() => {
    if (matchMedia("(hover: hover)").matches) area.focus();
  });
  const place = () => (isDirect(props.room.name) ? props.room.name : `#${props.room.name}`);
  return (
    <div class="relative flex-none px-2 pb-1 sm:px-4">
      <Show when={trigger()}>
        {(found) => (
          <Completion
            room={props.room}
            trigger={found()}
            area={area}
            listen={(takes) => (completionTakes = takes)}
            close={dismiss}
          />
        )}
      </Show>
      <Said room={props.room} />
      <Aside room={props.room} />
      <form
        class="field flex items-end gap-1 p-1"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <textarea
          ref={area}
          data-composer
          rows={1}
          aria-label="Message"
          aria-invalid={tooLong()}
          aria-describedby="char-count"
          placeholder={`Write to ${cleanLine(place())}`}
          aria-autocomplete="list"
          enterkeyhint={TOUCHED ? "enter" : "send"}
          class="max-h-[220px] min-w-0 flex-1 resize-none bg-transparent px-2.5 py-1.5 outline-none placeholder:text-muted"
          onInput={(event) => {
            dispatch({ type: "draft_changed", text: event.currentTarget.value });
            lookForTrigger();
          }}
          onKeyDown={onKeyDown}
          onClick={() => trigger() !== null && lookForTrigger()}
          onBlur={() => setTrigger(null)}
        />
        <button
          type="button"
          class="icon-button"
          aria-label="Emoji"
          aria-haspopup="dialog"
          title="Emoji"
          onClick={() => dispatch({ type: "overlay", overlay: { kind: "emoji", message: null } })}
        >
          <Smile />
        </button>
        <button
          type="submit"
          disabled={empty() || tooLong()}
          class="flex h-9 flex-none items-center gap-1.5 rounded-lg bg-accent px-3 text-sm font-semibold text-accent-ink transition-opacity hover:opacity-90 disabled:bg-hover disabled:text-muted disabled:opacity-100 pointer-coarse:h-11 pointer-coarse:min-w-11 pointer-coarse:justify-center"
        >
          <span class="max-sm:sr-only">Send</span>
          <Send class="size-4.5" />
        </button>
      </form>
      <div class="flex h-6 items-center gap-3 px-1.5 text-xs text-muted">
        <TypingLine room={props.room} />
        <span
          id="char-count"
          data-testid="char-count"
          class={`flex-none ${tooLong() ? "font-semibold text-bad" : nearLimit() ? "font-semibold text-warn" : ""}`}
        >
          <Show when={count() > 0}>
            {count()}/{state.limits.text}
          </Show>
        </span>
        <button
          type="button"
          class="size-6 flex-none rounded-md font-semibold hover:bg-hover hover:text-ink"
          aria-label="Keys and formats"
          aria-haspopup="dialog"
          title="Keys and formats (Ctrl+/)"
          onClick={() => dispatch({ type: "overlay", overlay: { kind: "keys" } })}
        >
          ?
        </button>
        <span class="sr-only" role="status">
          {tooLong() ? "Too long to be sent" : nearLimit() ? "Nearly as long as can be sent" : ""}
        </span>
      </div>
    </div>
  );
}

/** What a command has to say, or why it was not carried out. */
function Said(props: { room: Room }): JSX.Element {
  const { dispatch } = useChat();
  return (
    <Show when={props.room.note}>
      {(note) => (
        <div class="flex items-start gap-2 px-2 py-1 text-[13px]">
          <p
            role={note().tone === "warn" ? "alert" : "status"}
            data-testid="note"
            class={`remote max-h-48 min-w-0 flex-1 overflow-y-auto whitespace-pre-line ${note().tone === "warn" ? "text-warn" : "text-muted"}`}
          >
            {cleanText(note().text)}
          </p>
          <button
            class="icon-button size-7"
            aria-label="Close this answer"
            onClick={() => dispatch({ type: "note_closed" })}
          >
            <Close class="size-4" />
          </button>
        </div>
      )}
    </Show>
  );
}

/** That the text answers a message, or will stand in its place. */
function Aside(props: { room: Room }): JSX.Element {
  const { dispatch } = useChat();
  const about = () => props.room.draft.editing ?? props.room.draft.replyTo;
  const message = () => findMessage(props.room, about() ?? "");
  return (
    <Show when={about() !== null}>
      <div class="flex items-center gap-2 px-2 py-1 text-[13px] text-muted">
        <Show when={props.room.draft.editing !== null} fallback={<Reply class="size-4 flex-none" />}>
          <Pencil class="size-4 flex-none" />
        </Show>
        <span class="remote min-w-0 flex-1 truncate">
          <Show
            when={props.room.draft.editing === null}
            fallback={
              <>
                Editing your message<span class="max-sm:hidden">. Esc leaves it as it was</span>
              </>
            }
          >
            Replying to <strong class="font-semibold">{cleanLine(message()?.from ?? "a message")}</strong>{" "}
            {excerpt(message()?.text ?? "")}
          </Show>
        </span>
        <button
          class="icon-button size-7"
          aria-label="Cancel"
          onClick={() => dispatch({ type: "aside_cancelled" })}
        >
          <Close class="size-4" />
        </button>
      </div>
    </Show>
  );
}
