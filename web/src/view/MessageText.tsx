/** The text of a message. It is only ever put in as text. */
import { createMemo, type JSX } from "solid-js";
import { cleanText } from "../text/clean";
import { pieces, type Piece } from "../text/pieces";
import { useChat } from "./context";

/** One to three emoji and nothing else are shown large. */
const FEW_EMOJI =
  /^(?:\p{Extended_Pictographic}(?:\ufe0f|\u200d\p{Extended_Pictographic}|[\u{1f3fb}-\u{1f3ff}])*\s*){1,3}$/u;

export function MessageText(props: { text: string; edited: boolean }): JSX.Element {
  const text = createMemo(() => cleanText(props.text));
  const large = () => text().length < 50 && FEW_EMOJI.test(text());
  return (
    <div class={`remote message-text ${large() ? "text-3xl leading-snug" : ""}`} dir="auto">
      {pieces(text()).map((piece) => (
        <PieceOfText piece={piece} />
      ))}
      {props.edited && <span class="ml-1.5 text-xs text-muted">(edited)</span>}
    </div>
  );
}

function PieceOfText(props: { piece: Piece }): JSX.Element {
  const piece = props.piece;
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "code":
      return <code class="rounded bg-hover px-1 py-px font-mono text-[0.9em]">{piece.text}</code>;
    case "block":
      return (
        <pre class="my-1 overflow-x-auto rounded-lg border border-line bg-shade px-3 py-2 font-mono text-[13px] leading-snug whitespace-pre">
          <code>{piece.text}</code>
        </pre>
      );
    case "link":
      return (
        <a
          class="text-accent underline underline-offset-2"
          href={piece.href}
          target="_blank"
          rel="noopener noreferrer"
        >
          {piece.text}
        </a>
      );
    case "mention":
      return <Mention text={piece.text} name={piece.name} />;
  }
}

function Mention(props: { text: string; name: string }): JSX.Element {
  const { state } = useChat();
  const mine = () => props.name.toLowerCase() === state.me?.name.toLowerCase();
  return (
    <span class={`font-medium text-accent ${mine() ? "rounded bg-accent-soft px-0.5" : ""}`}>
      {props.text}
    </span>
  );
}
