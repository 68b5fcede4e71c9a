// Texts that are HTML, and pages that need nothing but themselves.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

/** Text that is HTML already. Whatever else gets into a page is escaped. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | ReadonlyArray<Html>

const ENTITIES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)

const partText = (part: Part): string => {
  if (part instanceof Html) return part.text
  return typeof part === "object" ? part.map(({ text }) => text).join("") : escaped(String(part))
}

/** HTML of a template: what is put into it is escaped, unless it is HTML. */
export const html = (texts: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html =>
  new Html(texts.map((text, index) => text + (index < parts.length ? partText(parts[index]!) : "")).join(""))

/** Rows under headings; the first column is a heading, too. Cells are what they are, numbers stand to the right by the style. */
export const htmlTable = (headings: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Html | string>>): Html =>
  html`<div class="wide"><table><thead><tr>${headings.map((each) => html`<th>${each}</th>`)}</tr></thead><tbody>${rows.map(
    ([first = "", ...cells]) =>
      html`<tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`
  )}</tbody></table></div>`

/** One number that matters, with what it is and what stands beside it. */
export const card = (label: string, value: string, beside: string): Html =>
  html`<div class="card"><p class="label">${label}</p><p class="value">${value}</p><p class="beside">${beside}</p></div>`

export interface Page {
  readonly title: string
  readonly summary: string
  readonly body: Html
  /** What the charts are drawn of; a page without charts has none. */
  readonly charts?: unknown
}

const read = (file: string | URL): string => readFileSync(file, "utf8")
const library = (file: string): string => read(createRequire(import.meta.url).resolve(`uplot/dist/${file}`))
const own = (file: string): string => read(new URL(file, import.meta.url))

/** Data inside a script element: no text of it can end the element. */
const dataText = (data: unknown): string => JSON.stringify(data).replace(/</g, "\\u003c")

/** A page in one file, which loads nothing and says so to the browser. */
export const pageOf = ({ title, summary, body, charts }: Page): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(charts === undefined ? "" : library("uPlot.min.css"))}${new Html(own("page.css"))}</style>
</head>
<body>
<main>
<header><h1>${title}</h1><p class="summary">${summary}</p></header>
${body}
<footer>Made by <code>conclave</code>. Simulated and past prices say little about future ones; this is no advice.</footer>
</main>
${
  charts === undefined
    ? ""
    : html`<script type="application/json" id="data">${new Html(dataText(charts))}</script>
<script>${new Html(library("uPlot.iife.min.js"))}</script>
<script>${new Html(own("charts.mjs"))}</script>`
}
</body>
</html>
`.text
