/**
 * Code as tokens, by highlight.js, whose tree `lowlight` hands out as data: no HTML is made on the way. This file is
 * loaded only when there is code of a language to be seen.
 */
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import lua from "highlight.js/lib/languages/lua";
import makefile from "highlight.js/lib/languages/makefile";
import nginx from "highlight.js/lib/languages/nginx";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import shell from "highlight.js/lib/languages/shell";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";

/** A stretch of code, and what it is; as many kinds as `styles.css` has classes `code-…`. */
export interface Token {
  kind: "comment" | "keyword" | "string" | "number" | "name" | "type" | "added" | "removed" | null;
  text: string;
}

/** More than a message can hold. */
const CODE_CHARS_MAX = 20_000;

const lowlight = createLowlight({
  ...{ bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, lua, makefile },
  ...{ nginx, php, python, ruby, rust, shell, sql, swift, typescript, xml, yaml },
});

/** Highlight.js has some fifty kinds; these are what the eye tells apart. */
const KINDS: Record<string, Token["kind"]> = {
  comment: "comment",
  quote: "comment",
  doctag: "comment",
  meta: "comment",
  keyword: "keyword",
  literal: "keyword",
  operator: "keyword",
  "selector-tag": "keyword",
  tag: "keyword",
  name: "keyword",
  string: "string",
  regexp: "string",
  char: "string",
  symbol: "string",
  link: "string",
  number: "number",
  variable: "number",
  "template-variable": "number",
  title: "name",
  section: "name",
  attr: "name",
  attribute: "name",
  property: "name",
  "selector-class": "name",
  "selector-id": "name",
  type: "type",
  built_in: "type",
  class: "type",
  addition: "added",
  deletion: "removed",
};

/** The code in tokens; a single one if the language is none that is known here. */
export function highlight(language: string, code: string): Token[] {
  const name = language.toLowerCase();
  if (!lowlight.registered(name) || code.length > CODE_CHARS_MAX) return [{ kind: null, text: code }];
  const found: Token[] = [];
  try {
    flatten(lowlight.highlight(name, code).children as Node[], null, found);
  } catch {
    return [{ kind: null, text: code }];
  }
  return found;
}

/** As much of a tree's node as is read here. */
interface Node {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: Node[];
}

function flatten(nodes: Node[], kind: Token["kind"], found: Token[]): void {
  for (const node of nodes) {
    if (node.type === "text") found.push({ kind, text: node.value ?? "" });
    else flatten(node.children ?? [], kindOf(node) ?? kind, found);
  }
}

function kindOf(node: Node): Token["kind"] {
  const [first] = Array.isArray(node.properties?.className) ? node.properties.className : [];
  return KINDS[String(first).replace(/^hljs-/, "")] ?? null;
}
