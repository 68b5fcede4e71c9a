import type { Abstention, RoundRequest, Vote } from "../../protocols/index.ts"

/**
 * What all reasons given in a round may take together, in bytes of JSON. A closed round keeps its votes and shows them in its
 * result too, so this counts twice in one message, which NATS takes up to 1 MB of.
 */
const REASONS_BYTES_MAX = 256 * 1024

/**
 * A word whose reason has at most its share of a round's room, one share for each who may speak. What is longer is cut, and
 * ends in an ellipsis. Pure.
 */
export const truncated = <W extends Vote | Abstention>(
  { invited, humans = [] }: Pick<RoundRequest, "invited" | "humans">,
  word: W
): W => {
  const bytes = Math.floor(REASONS_BYTES_MAX / (invited.length + Math.max(1, humans.length)))
  return "decision" in word
    ? { ...word, reasoning: cut(word.reasoning, bytes) }
    : { ...word, reason: cut(word.reason, bytes) }
}

/** A character takes at most six bytes, as an escape. */
const CHARACTER_BYTES_MAX = 6
const ELLIPSIS = "…"

const bytesOf = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2

const cut = (text: string, bytes: number): string => {
  if (text.length * CHARACTER_BYTES_MAX <= bytes || bytesOf(text) <= bytes) return text
  let left = bytes - bytesOf(ELLIPSIS)
  let kept = ""
  for (const character of text) {
    left -= bytesOf(character)
    if (left < 0) break
    kept += character
  }
  return `${kept}${ELLIPSIS}`
}
