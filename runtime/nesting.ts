/** How deep objects and lists may lie in each other in what clients send. */
export const NESTING_MAX = 64

/** The rule, for who broke it. */
export const NESTED = `objects and lists lie at most ${NESTING_MAX} deep in each other`

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
/** Of names that are longer nobody is told. */
const NAME_LENGTH_MAX = 64

/** What is known of a text that is nested too deep: the field of its object that is, and its `id`, where that stood before. */
export interface TooDeep {
  /** Empty where there is none. */
  readonly field: string
  readonly id: string | null
}

/**
 * What of a JSON text is nested too deep, or nothing. Looks at brackets and at the names of its first level only, so that it is
 * known before the text is parsed, and costs the same whatever the text is.
 */
export const nestingFault = (text: string): TooDeep | undefined => {
  let [depth, start, field]: [depth: number, start: number, field: string] = [0, -1, ""]
  let id: string | null = null
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (start >= 0) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) {
        if (depth === 1 && index - start <= NAME_LENGTH_MAX) {
          const name = text.slice(start, index)
          if (text.charCodeAt(index + 1) === COLON) field = name
          else if (field === "id") id = name
        }
        start = -1
      }
    } else if (code === QUOTE) start = index + 1
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > NESTING_MAX) return { field, id }
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
  }
  return undefined
}
