const STEERING = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/**
 * A text of whatever origin as a terminal may get it: everything in it that could steer the terminal, hide or turn around what stands
 * beside it (control characters of both sets, bidirectional and invisible ones) is written out, as `\u001b`; line feeds and tabs stay. In
 * JSON that means what it meant before.
 */
export const forTerminal = (text: string): string =>
  text.replace(STEERING, (character) => (character === "\n" || character === "\t" ? character : writtenOut(character)))

const writtenOut = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("")
