// A screen of tmux (`capture-pane -e`) as an SVG: text stays text, each run of cells has its place.

const CELL = { width: 8.4, height: 18 };
const MARGIN = 12;
const GROUND = "#11141a";
const INK = "#d7dce4";
const FONT = "'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,'Noto Sans Mono CJK JP','Noto Color Emoji',monospace";

/** The sixteen colours, as a quiet dark terminal has them. */
const COLOURS = [
  "#1c212b", "#e06c75", "#8fc379", "#e5c07b", "#61a5ef", "#c678dd", "#56b6c2", "#c8ced9",
  "#6b7484", "#f08a92", "#a9d68f", "#f2d391", "#84bdf7", "#d79ae8", "#7fd0da", "#ffffff",
];

/** One of 256 colours. */
function colour(number) {
  if (number < 16) return COLOURS[number];
  if (number > 231) return rgb(...Array(3).fill(8 + 10 * (number - 232)));
  const level = (step) => (step === 0 ? 0 : 55 + 40 * step);
  const cube = number - 16;
  return rgb(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

const rgb = (...parts) => `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** Applies the numbers of one `ESC [ … m` to a style. */
function styled(style, numbers) {
  let next = { ...style };
  for (let at = 0; at < numbers.length; at++) {
    const n = numbers[at];
    if (n === 0) next = {};
    else if (n === 1) next.bold = true;
    else if (n === 2) next.dim = true;
    else if (n === 3) next.italic = true;
    else if (n === 4) next.underline = true;
    else if (n === 7) next.reverse = true;
    else if (n === 9) next.struck = true;
    else if (n === 22) next.bold = next.dim = false;
    else if (n === 23) next.italic = false;
    else if (n === 24) next.underline = false;
    else if (n === 27) next.reverse = false;
    else if (n === 29) next.struck = false;
    else if (n === 39) delete next.ink;
    else if (n === 49) delete next.ground;
    else if (n >= 30 && n <= 37) next.ink = COLOURS[n - 30];
    else if (n >= 40 && n <= 47) next.ground = COLOURS[n - 40];
    else if (n >= 90 && n <= 97) next.ink = COLOURS[n - 82];
    else if (n >= 100 && n <= 107) next.ground = COLOURS[n - 92];
    else if (n === 38 || n === 48) {
      const what = n === 38 ? "ink" : "ground";
      if (numbers[at + 1] === 5) {
        next[what] = colour(numbers[at + 2]);
        at += 2;
      } else {
        next[what] = rgb(...numbers.slice(at + 2, at + 5));
        at += 4;
      }
    }
  }
  return next;
}

const WIDE = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const MARK = /\p{Mark}|[\u200b-\u200f]/u;

/** The cells of a line: each a character with its marks, its width and its style. */
function cells(line, style) {
  const all = [];
  const sequence = /\x1b\[([\d;:]*)m|([\s\S])/gu;
  for (const [, numbers, char] of line.matchAll(sequence)) {
    if (numbers !== undefined) style = styled(style, numbers.split(/[;:]/).map(Number));
    else if (MARK.test(char) && all.length > 0) all.at(-1).text += char;
    else all.push({ text: char, width: WIDE.test(char) ? 2 : 1, style });
  }
  return { all, style };
}

/** Neighbours of one style, in one piece; what is wide stands alone, so that no font can shift the rest. */
function runs(all) {
  const found = [];
  let column = 0;
  for (const cell of all) {
    const last = found.at(-1);
    const joins = last && last.style === cell.style && last.narrow && cell.width === 1;
    if (joins) {
      last.text += cell.text;
      last.width += 1;
    } else found.push({ ...cell, column, narrow: cell.width === 1 });
    column += cell.width;
  }
  return found;
}

/** A run between its spaces: renderers make one of several, and drop those at the ends. */
function pieces(run) {
  if (!run.narrow) return [{ text: run.text, column: 0, width: run.width }];
  const count = (text) => [...text].filter((char) => !MARK.test(char)).length;
  return [...run.text.matchAll(/\S+(?: \S+)*/gu)].map((found) => ({
    text: found[0],
    column: count(run.text.slice(0, found.index)),
    width: count(found[0]),
  }));
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const round = (number) => String(Math.round(number * 10) / 10);

/** The screen as a picture. `title` is read out where the picture cannot be seen. */
export function svg(captured, { columns, rows, title }) {
  const width = columns * CELL.width + 2 * MARGIN;
  const height = rows * CELL.height + 2 * MARGIN;
  const grounds = [];
  const texts = [];
  let style = {};
  for (const [row, line] of captured.replace(/\n$/, "").split("\n").entries()) {
    const read = cells(line, style);
    style = read.style;
    for (const run of runs(read.all)) {
      const { reverse } = run.style;
      const ink = reverse ? (run.style.ground ?? GROUND) : (run.style.ink ?? INK);
      const ground = reverse ? (run.style.ink ?? INK) : run.style.ground;
      const x = MARGIN + run.column * CELL.width;
      const y = MARGIN + row * CELL.height;
      const wide = round(run.width * CELL.width);
      if (ground) grounds.push(`<rect x="${round(x)}" y="${round(y)}" width="${wide}" height="${CELL.height}" fill="${ground}"/>`);
      const look = [
        ink === INK ? "" : ` fill="${ink}"`,
        run.style.bold ? ' font-weight="bold"' : "",
        run.style.dim ? ' opacity="0.65"' : "",
        run.style.italic ? ' font-style="italic"' : "",
        run.style.underline || run.style.struck
          ? ` text-decoration="${run.style.underline ? "underline" : "line-through"}"`
          : "",
      ].join("");
      for (const piece of pieces(run)) {
        const at = round(x + piece.column * CELL.width);
        const long = round(piece.width * CELL.width);
        texts.push(
          `<text x="${at}" y="${round(y + 13.5)}" textLength="${long}" lengthAdjust="spacingAndGlyphs"${look}>${escaped(piece.text)}</text>`,
        );
      }
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>`,
    ...grounds,
    `<g font-family="${FONT}" font-size="14" fill="${INK}">`,
    ...texts,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}
