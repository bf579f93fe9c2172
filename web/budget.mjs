// What the page's first load costs: node budget.mjs [FOLDER], where FOLDER is what `npm run build` has made.
//
// It follows index.html: scripts, styles and preloads, and from each script what it imports at once. What is imported
// when it is needed does not count.

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { brotliCompressSync } from "node:zlib";

const KIB = 1024;
/** Bytes, compressed as they are sent. */
const BUDGET = { js: 40 * KIB, css: 10 * KIB };

const folder = process.argv[2] ?? new URL("dist", import.meta.url).pathname;
const read = (path) => readFileSync(posix.join(folder, path));

const page = read("index.html").toString();
const wanted = [...page.matchAll(/<(script|link)\b[^>]*>/g)].flatMap(([tag, kind]) => {
  const attribute = (name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
  const rel = attribute("rel") ?? "";
  if (kind === "script") return attribute("src") ?? [];
  return /^(stylesheet|modulepreload|preload)$/.test(rel) ? (attribute("href") ?? []) : [];
});

const files = new Map();
for (let path = wanted.shift(); path !== undefined; path = wanted.shift()) {
  if (files.has(path)) continue;
  const bytes = read(path);
  files.set(path, brotliCompressSync(bytes).length);
  if (!path.endsWith(".js")) continue;
  // `import"./x.js"`, `import{a as b}from"./x.js"`, `export{a}from"./x.js"`; but not `import("./x.js")`.
  const imports = bytes.toString().matchAll(/\b(?:import|from)\s*["'](\.{0,2}\/[^"']+)["']/g);
  for (const [, to] of imports) wanted.push(to.startsWith("/") ? to : posix.join(posix.dirname(path), to));
}

let fits = true;
for (const [kind, budget] of Object.entries(BUDGET)) {
  const parts = [...files].filter(([path]) => path.endsWith(`.${kind}`));
  const bytes = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`${kind}: ${(bytes / KIB).toFixed(1)} KiB of ${budget / KIB} in ${parts.length} files`);
  if (parts.length === 0) throw new Error(`index.html loads no ${kind}`);
  if (bytes > budget) {
    for (const [path, bytes] of parts) console.log(`  ${path}: ${(bytes / KIB).toFixed(1)} KiB`);
    fits = false;
  }
}
if (!fits) {
  console.error("the first load is over its budget: import what is not needed at once when it is needed");
  process.exit(1);
}
