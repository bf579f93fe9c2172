/** A block of code. What colours it is fetched when the first block with a language is seen. */
import { createSignal, onMount, type JSX } from "solid-js";
import type { Token } from "../text/highlight";
import { useChat } from "./context";
import { Copy } from "./icons";

export function CodeBlock(props: { language: string; text: string }): JSX.Element {
  const { dispatch } = useChat();
  const [tokens, setTokens] = createSignal<Token[]>([{ kind: null, text: props.text }]);
  onMount(() => {
    if (props.language === "") return;
    // Without it the code is as good, only plain.
    import("../text/highlight").then(
      ({ highlight }) => setTokens(highlight(props.language, props.text)),
      () => undefined,
    );
  });
  return (
    <div class="code-block relative my-1 rounded-lg border border-line bg-shade">
      <div class="code-bar">
        <span class="remote max-w-32 truncate">{props.language}</span>
        <button
          class="tool size-7 pointer-coarse:min-h-8 pointer-coarse:min-w-8"
          aria-label="Copy this code"
          title="Copy this code"
          onClick={() => dispatch({ type: "copy_asked", text: props.text })}
        >
          <Copy class="size-4" />
        </button>
      </div>
      <pre
        class="overflow-x-auto px-3 py-2 font-mono text-[13px] leading-snug whitespace-pre"
        tabindex="0"
        aria-label={props.language === "" ? "Code" : `Code, ${props.language}`}
        role="group"
        dir="ltr"
      >
        <code>
          {tokens().map((token) =>
            token.kind === null ? token.text : <span class={`code-${token.kind}`}>{token.text}</span>,
          )}
        </code>
      </pre>
    </div>
  );
}
