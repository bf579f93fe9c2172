/**
 * A dialog over the page. The browser's own: it keeps the keyboard inside, takes Escape, and gives the focus back to
 * where it was.
 */
import { onCleanup, onMount, type JSX } from "solid-js";
import { useChat } from "./context";

export function Modal(props: { label: string; class: string; children: JSX.Element }): JSX.Element {
  const { state, dispatch } = useChat();
  const kind = state.overlay.kind;
  let dialog!: HTMLDialogElement;
  const close = () => {
    // Another overlay may have taken its place already.
    if (state.overlay.kind === kind) dispatch({ type: "overlay", overlay: { kind: "none" } });
  };
  onMount(() => {
    const before = document.activeElement;
    // What a message's bar was on goes when the pointer does; the message stays.
    const row = before?.closest<HTMLElement>("[data-message-id]")?.dataset["messageId"];
    dialog.showModal();
    onCleanup(() => {
      dialog.close();
      giveFocusBack(before, row);
    });
  });
  return (
    <dialog
      ref={dialog}
      aria-label={props.label}
      class={`m-auto max-w-[calc(100vw-1rem)] rounded-2xl border border-line bg-raised p-0 text-ink shadow-float backdrop:bg-scrim ${props.class}`}
      onClose={close}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        // What is clicked beside the content is the dialog itself.
        if (event.target === dialog) close();
      }}
    >
      {props.children}
    </dialog>
  );
}

/** To where it was; if that is gone, to the message it was in, or to where one writes. */
function giveFocusBack(before: Element | null, row: string | undefined): void {
  queueMicrotask(() => {
    if (document.activeElement !== document.body && document.activeElement !== null) return;
    const isThere = before instanceof HTMLElement && before.isConnected && before !== document.body;
    const back = isThere ? before : row !== undefined ? articleOf(row) : null;
    (back ?? document.querySelector<HTMLElement>("[data-composer]"))?.focus({ preventScroll: true });
  });
}

function articleOf(id: string): HTMLElement | null {
  return document.querySelector(`article[data-message-id="${CSS.escape(id)}"]`);
}
