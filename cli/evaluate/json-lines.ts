/** So many values of a long list stand on one line. */
const LINE_VALUES = 1_000

/**
 * A value as the lines of its JSON, so that a document of any length is written without ever being one string: objects that hold no others
 * and lists of plain values are each on a line, of which long lists take several. What is undefined is left out, and null in a list.
 */
export function* jsonLines(value: unknown, indent = "", before = "", after = ""): Generator<string> {
  const inner = `${indent}  `
  if (isPlainList(value) && value.length > LINE_VALUES) {
    yield `${indent}${before}[`
    for (let from = 0; from < value.length; from += LINE_VALUES) {
      const last = from + LINE_VALUES >= value.length
      yield `${inner}${JSON.stringify(value.slice(from, from + LINE_VALUES)).slice(1, -1)}${last ? "" : ","}`
    }
    yield `${indent}]${after}`
  } else if (isFlat(value)) {
    yield `${indent}${before}${JSON.stringify(value)}${after}`
  } else if (Array.isArray(value)) {
    yield `${indent}${before}[`
    for (const [index, each] of value.entries()) yield* jsonLines(each, inner, "", index + 1 < value.length ? "," : "")
    yield `${indent}]${after}`
  } else if (isObject(value)) {
    yield `${indent}${before}{`
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    for (const [index, [name, each]] of entries.entries()) {
      yield* jsonLines(each, inner, `${JSON.stringify(name)}: `, index + 1 < entries.length ? "," : "")
    }
    yield `${indent}}${after}`
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null
const isPlainList = (value: unknown): value is ReadonlyArray<unknown> =>
  Array.isArray(value) && !value.some((each) => isObject(each))
const isFlat = (value: unknown): boolean =>
  !isObject(value) || isPlainList(value) || (!Array.isArray(value) && !Object.values(value).some(isObject))
