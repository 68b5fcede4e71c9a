// What everything that the command prints or logs passes.
import { formatWithOptions } from "node:util"
import type { Console } from "effect"
import { forTerminal } from "./escaping.ts"

/** Colours, which are our own: of texts of others they are written out before. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const COLOR = /(\u001b\[[\d;]{0,12}m)/

const harmless = (text: string, colors: boolean): string =>
  colors
    ? text
        .split(COLOR)
        .map((part, index) => (index % 2 === 1 ? part : forTerminal(part)))
        .join("")
    : forTerminal(text)

type Print = (...words: ReadonlyArray<unknown>) => void

const through =
  (print: Print, stream: NodeJS.WriteStream): Print =>
  (...words) => {
    const colors = stream.isTTY === true
    print(harmless(formatWithOptions({ colors }, ...words), colors))
  }

const { stdout, stderr } = process

/** The console of the process, through which nothing can steer the terminal that it is shown on. */
export const terminal: Console.Console = {
  ...console,
  log: through(console.log, stdout),
  info: through(console.info, stdout),
  debug: through(console.debug, stdout),
  error: through(console.error, stderr),
  warn: through(console.warn, stderr),
  trace: through(console.trace, stderr),
  group: (...words) =>
    words.length === 0 ? console.group() : console.group(harmless(formatWithOptions({}, ...words), false))
}
