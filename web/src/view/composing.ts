/** Putting something into what is being written, where the caret is. */

/** Replaces what stands between two places of the text, as if it had been typed. */
export function replaceIn(area: HTMLTextAreaElement, from: number, to: number, text: string): void {
  area.setRangeText(text, from, to, "end");
  area.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
}

export function insertIntoComposer(text: string): void {
  const area = document.querySelector<HTMLTextAreaElement>("[data-composer]");
  if (!area) return;
  area.focus();
  replaceIn(area, area.selectionStart, area.selectionEnd, text);
}
