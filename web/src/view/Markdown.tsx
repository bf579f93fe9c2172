/** Markdown's tree as elements. Of the text nothing is ever read as HTML; addresses were checked where they were found. */
import { type JSX } from "solid-js";
import { findRoom } from "../machine/state";
import type { Inline } from "../text/inline";
import type { Block } from "../text/markdown";
import { CodeBlock } from "./CodeBlock";
import { useChat } from "./context";

/** A single paragraph, which most messages are, is put in without an element around it. */
export function Blocks(props: { blocks: Block[] }): JSX.Element {
  const [first] = props.blocks;
  if (props.blocks.length === 1 && first?.kind === "paragraph") return <Pieces of={first.children} />;
  return props.blocks.map((block) => <BlockView block={block} />);
}

function BlockView(props: { block: Block }): JSX.Element {
  const block = props.block;
  switch (block.kind) {
    case "paragraph":
      return (
        <p>
          <Pieces of={block.children} />
        </p>
      );
    case "code":
      return <CodeBlock language={block.language} text={block.text} />;
    case "quote":
      return (
        <blockquote class="my-0.5 border-s-3 border-line-strong/60 ps-3 text-muted">
          <Blocks blocks={block.children} />
        </blockquote>
      );
    case "list": {
      const items = block.items.map((item) => (
        <li value={block.ordered ? item.number : undefined}>
          <Blocks blocks={item.children} />
        </li>
      ));
      return block.ordered ? (
        <ol class="my-0.5 list-decimal ps-[2.2em]">{items}</ol>
      ) : (
        <ul class="my-0.5 list-disc ps-[1.4em]">{items}</ul>
      );
    }
  }
}

function Pieces(props: { of: Inline[] }): JSX.Element {
  return props.of.map((piece) => <Piece piece={piece} />);
}

function Piece(props: { piece: Inline }): JSX.Element {
  const piece = props.piece;
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "strong":
      return (
        <strong class="font-semibold">
          <Pieces of={piece.children} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <Pieces of={piece.children} />
        </em>
      );
    case "strike":
      return (
        <s>
          <Pieces of={piece.children} />
        </s>
      );
    case "code":
      return <code class="rounded bg-hover px-1 py-px font-mono text-[0.9em]">{piece.text}</code>;
    case "link":
      return (
        <>
          <a
            class="text-accent underline underline-offset-2"
            href={piece.href}
            target="_blank"
            rel="noopener noreferrer"
          >
            <Pieces of={piece.children} />
          </a>
          {piece.host !== null && <span class="text-[0.85em] text-muted"> ({piece.host})</span>}
        </>
      );
    case "mention":
      return <Mention text={piece.text} name={piece.name} />;
    case "room":
      return <RoomName text={piece.text} name={piece.name} />;
  }
}

function Mention(props: { text: string; name: string }): JSX.Element {
  const { state } = useChat();
  const mine = () => props.name.toLowerCase() === state.me?.name.toLowerCase();
  return (
    <span
      class={`font-medium ${mine() ? "rounded bg-accent px-1 text-accent-ink" : "rounded bg-accent-soft px-0.5 text-accent"}`}
    >
      {props.text}
    </span>
  );
}

/** A room that there is can be gone to; what only looks like one is text. */
function RoomName(props: { text: string; name: string }): JSX.Element {
  const { state, dispatch } = useChat();
  const name = props.name.toLowerCase();
  const known = () =>
    findRoom(state, name) !== undefined || state.others.some((other) => other.name === name);
  return (
    <>
      {known() ? (
        <a
          class="font-medium text-accent hover:underline"
          href={`#${encodeURIComponent(name)}`}
          onClick={(event) => {
            event.preventDefault();
            dispatch({ type: "room_opened", room: name });
          }}
        >
          {props.text}
        </a>
      ) : (
        props.text
      )}
    </>
  );
}
