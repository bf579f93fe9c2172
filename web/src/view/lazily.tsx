/** Parts of the page that are fetched when they are first shown. */
import { createSignal, onCleanup, onMount, Show, type JSX } from "solid-js";
import { useChat } from "./context";

type View<P> = (props: P) => JSX.Element;

/** A view whose code is fetched with it. If that fails nothing is shown, and the reader is told. */
export function lazily<P extends object>(load: () => Promise<View<P>>): View<P> {
  return (props) => {
    const { dispatch } = useChat();
    const [view, setView] = createSignal<View<P>>();
    let gone = false;
    onCleanup(() => (gone = true));
    onMount(() => {
      load().then(
        (loaded) => gone || setView(() => loaded),
        () => dispatch({ type: "part_missing" }),
      );
    });
    return (
      <Show when={view()} keyed>
        {(Loaded) => <Loaded {...props} />}
      </Show>
    );
  };
}
