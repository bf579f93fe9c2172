/** Markdown without its marks, for where a text only stands on a line. */
import type { Inline } from "./inline";
import type { Block } from "./markdown";

export function plain(blocks: Block[]): string {
  return blocks.map(ofBlock).join("\n");
}

function ofBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return block.children.map(ofInline).join("");
    case "code":
      return block.text;
    case "quote":
      return plain(block.children);
    case "list":
      return block.items
        .map((item) => `${block.ordered ? `${item.number}.` : "•"} ${plain(item.children)}`)
        .join("\n");
  }
}

function ofInline(piece: Inline): string {
  return "children" in piece ? piece.children.map(ofInline).join("") : piece.text;
}
