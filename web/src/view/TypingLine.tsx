/** Who is typing in the open room. */
import { Show, type JSX } from "solid-js";
import type { Room } from "../machine/state";
import { cleanLine } from "../text/clean";

export function TypingLine(props: { room: Room }): JSX.Element {
  const words = () => {
    const names = props.room.typing.map((typist) => cleanLine(typist.name));
    if (names.length > 3) return "Several people are typing";
    if (names.length > 1) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are typing`;
    return `${names[0] ?? ""} is typing`;
  };
  return (
    <div data-testid="typing" class="flex min-w-0 flex-1 items-center gap-2">
      <Show when={props.room.typing.length > 0}>
        <span class="flex flex-none gap-0.5" aria-hidden="true">
          <span class="typing-dot" />
          <span class="typing-dot" />
          <span class="typing-dot" />
        </span>
        <span class="remote truncate">{words()}</span>
      </Show>
    </div>
  );
}
