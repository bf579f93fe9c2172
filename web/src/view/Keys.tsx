/** What can be done with the keyboard. */
import { For, type JSX } from "solid-js";
import { useChat } from "./context";
import { Close } from "./icons";
import { Modal } from "./Modal";

const KEYS: { title: string; keys: [string[], string][] }[] = [
  {
    title: "Going about",
    keys: [
      [["Ctrl", "K"], "go to a room or a person"],
      [["Alt", "↑"], "the room above"],
      [["Alt", "↓"], "the room below"],
      [["Alt", "Shift", "↑ ↓"], "the next room with something unread"],
      [["Ctrl", "Shift", "F"], "search"],
      [["Ctrl", "/"], "these keys"],
    ],
  },
  {
    title: "Writing",
    keys: [
      [["Enter"], "send"],
      [["Shift", "Enter"], "a new line"],
      [["↑"], "edit your last message, when nothing is written"],
      [["Esc"], "leave an edit or a reply"],
      [["@"], "complete a name"],
      [["#"], "complete a room"],
      [[":"], "complete an emoji"],
    ],
  },
  {
    title: "Messages",
    keys: [
      [["Shift", "Tab"], "from the composer to the messages"],
      [["↑ ↓"], "to the message above or below"],
      [["Tab"], "to what can be done with it"],
    ],
  },
];

const FORMATS: [string, string][] = [
  ["**bold**", "bold"],
  ["*italic*", "italic"],
  ["~~struck~~", "struck out"],
  ["`code`", "code"],
  ["```sh … ```", "a block of code"],
  ["> ", "a quote"],
  ["- ", "a list"],
  ["1. ", "a numbered list"],
  ["[text](https://…)", "a link"],
];

export function Keys(): JSX.Element {
  const { dispatch } = useChat();
  return (
    <Modal label="Keys" class="w-[44rem]">
      <div class="flex items-center border-b border-line py-2 pr-2 pl-5">
        <h2 class="flex-1 font-semibold">Keys and formats</h2>
        <button
          class="icon-button"
          aria-label="Close"
          onClick={() => dispatch({ type: "overlay", overlay: { kind: "none" } })}
        >
          <Close class="size-4.5" />
        </button>
      </div>
      <div
        class="grid gap-x-10 gap-y-5 p-5 sm:grid-cols-2"
        tabindex="0"
        role="group"
        aria-label="List of keys"
      >
        <For each={KEYS}>
          {(group) => (
            <section>
              <h3 class="pb-1 text-xs font-semibold text-muted">{group.title}</h3>
              <dl>
                <For each={group.keys}>
                  {([keys, does]) => (
                    <div class="flex items-baseline gap-3 py-1 text-sm">
                      <dt class="w-32 flex-none">
                        <For each={keys}>{(key) => <kbd>{key}</kbd>}</For>
                      </dt>
                      <dd class="min-w-0 flex-1">{does}</dd>
                    </div>
                  )}
                </For>
              </dl>
            </section>
          )}
        </For>
        <section>
          <h3 class="pb-1 text-xs font-semibold text-muted">Formats</h3>
          <dl>
            <For each={FORMATS}>
              {([typed, is]) => (
                <div class="flex items-baseline gap-3 py-1 text-sm">
                  <dt class="w-32 flex-none font-mono text-[13px] whitespace-pre">{typed}</dt>
                  <dd class="min-w-0 flex-1">{is}</dd>
                </div>
              )}
            </For>
          </dl>
        </section>
      </div>
    </Modal>
  );
}
