/** Where everybody comes in: a name is all that is asked for. */
import { createEffect, onMount, Show, type JSX } from "solid-js";
import { cleanText } from "../text/clean";
import { Connection } from "./Connection";
import { useChat } from "./context";
import { Logo } from "./icons";
import { ThemeButton } from "./Switches";

export function NamePage(): JSX.Element {
  const { state, dispatch } = useChat();
  let input!: HTMLInputElement;
  onMount(() => input.focus());
  createEffect(() => {
    if (state.entry.problem !== null) input.focus();
  });
  return (
    <main class="flex h-full flex-col overflow-y-auto bg-shade">
      <div class="flex justify-end p-3">
        <ThemeButton />
      </div>
      <div class="m-auto w-full max-w-sm px-5 pb-24">
        <Logo class="mb-5 size-12" />
        <h1 class="text-2xl font-semibold tracking-tight">Welcome to chat</h1>
        <p class="mt-1 text-muted">Choose a name, and you are in.</p>
        <form
          class="mt-6"
          onSubmit={(event) => {
            event.preventDefault();
            dispatch({ type: "name_chosen", name: state.entry.name });
          }}
        >
          <label for="name" class="mb-1.5 block text-sm font-medium">
            Your name
          </label>
          <div class="flex gap-2">
            <input
              ref={input}
              id="name"
              class="field min-w-0 flex-1 px-3.5 py-2.5"
              autocomplete="nickname"
              autocapitalize="none"
              spellcheck={false}
              maxlength={state.limits.name * 2}
              value={state.entry.name}
              aria-invalid={state.entry.problem !== null}
              aria-describedby="name-problem"
              onInput={(event) => dispatch({ type: "name_typed", text: event.currentTarget.value })}
            />
            <button
              type="submit"
              disabled={state.entry.busy}
              class="rounded-xl bg-accent px-5 py-2.5 font-semibold text-accent-ink transition-opacity hover:opacity-90 disabled:opacity-60"
            >
              Join
            </button>
          </div>
          <div id="name-problem" role="alert" class="mt-3 min-h-6 text-sm">
            <Show when={state.entry.problem}>
              {(problem) => <p class="remote text-bad">{cleanText(problem())}</p>}
            </Show>
          </div>
          <Show when={state.entry.suggestion}>
            {(suggestion) => (
              <button
                type="button"
                class="remote mt-1 rounded-lg border border-line-strong bg-paper px-3 py-1.5 text-sm hover:bg-hover"
                onClick={() => dispatch({ type: "name_chosen", name: suggestion() })}
              >
                Use <strong>{cleanText(suggestion())}</strong>
              </button>
            )}
          </Show>
          <Show when={state.entry.busy}>
            <Connection />
          </Show>
        </form>
      </div>
    </main>
  );
}
