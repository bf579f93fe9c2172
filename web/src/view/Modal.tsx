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
    dialog.showModal();
    onCleanup(() => {
      dialog.close();
      giveFocusBack(before);
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

/** To where it was; if that is gone, to where one writes. */
function giveFocusBack(before: Element | null): void {
  queueMicrotask(() => {
    if (document.activeElement !== document.body && document.activeElement !== null) return;
    const back =
      before instanceof HTMLElement && before.isConnected && before !== document.body
        ? before
        : document.querySelector<HTMLElement>("[data-composer]");
    back?.focus({ preventScroll: true });
  });
}
