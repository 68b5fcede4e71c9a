// The members of JSON objects, one object a row: which columns they make.
import { quoted } from "./errors.ts"
import { type Field, fieldOf } from "./names.ts"

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The strings of a JSON text, and whether each is the name of a member. */
const STRINGS = /"((?:[^"\\]|\\.)*)"(\s*:)?/g

/** A member that an object names twice, by the text that it was read from: the last one wins, and nobody says which is meant. */
export const twiceIn = (text: string, object: JsonObject): string | undefined => {
  let named = 0
  for (const [, , colon] of text.matchAll(STRINGS)) if (colon !== undefined) named++
  if (named === membersOf(object)) return undefined
  const seen = new Set<string>()
  for (const [, name = "", colon] of text.matchAll(STRINGS)) {
    if (colon === undefined) continue
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

/** How many members there are in a value, at any depth. */
const membersOf = (value: unknown): number => {
  if (typeof value !== "object" || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  let sum = own
  for (const each of Object.values(value)) if (typeof each === "object") sum += membersOf(each)
  return sum
}

/** The names of all members of some objects, each once, in the order in which they first come. */
export class Members {
  readonly names: ReadonlyArray<string>
  readonly #known: ReadonlySet<string>
  readonly #fields: ReadonlyMap<string, Field>

  constructor(names: ReadonlyArray<string>) {
    this.names = names
    this.#known = new Set(names)
    this.#fields = new Map(names.flatMap((name) => fieldsOf(name)))
  }

  static of(objects: ReadonlyArray<JsonObject>): Members {
    return new Members([...new Set(objects.flatMap((object) => Object.keys(object)))])
  }

  /** What says something in this object that would be lost: a member that is new, or one that others call otherwise. */
  wrongIn(object: JsonObject): string | undefined {
    const added = Object.keys(object).find((name) => !this.#known.has(name) && fieldOf(name) !== undefined)
    if (added !== undefined) return `the object has ${quoted(added)}, and those before have not`
    for (const [name, field] of this.#fields) {
      if (name in object) continue
      const other = [...this.#fields].find(([each, same]) => same === field && each in object)
      if (other === undefined && field === "symbol") return `the object has no ${quoted(name)}`
      if (other !== undefined) return `the object says ${quoted(other[0])} where others say ${quoted(name)}`
    }
    return undefined
  }
}

const fieldsOf = (name: string): ReadonlyArray<readonly [string, Field]> => {
  const found = fieldOf(name)
  return found === undefined ? [] : [[name, found.field]]
}
