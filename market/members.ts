// The members of JSON objects, one object a row: which columns they make.
import { quoted } from "./errors.ts"
import { type Field, fieldOf } from "./names.ts"

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

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
