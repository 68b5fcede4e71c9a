/** Takes keys out of what a server says, which may repeat the one it was given. */
export interface Redaction {
  readonly text: (text: string) => string
  /** Out of every text in a JSON value, names of members among them. */
  readonly json: (value: unknown) => unknown
}

const SHOWN = "***"

/** Of these keys. To be used before anything is cut to a length: half a key is one that nothing finds. */
export const redactionOf = (keys: ReadonlyArray<string>): Redaction => {
  const known = keys.filter((key) => key !== "")
  const text = (given: string) => known.reduce((left, key) => left.replaceAll(key, SHOWN), given)
  const json = (value: unknown): unknown => {
    if (typeof value === "string") return text(value)
    if (Array.isArray(value)) return value.map(json)
    if (typeof value !== "object" || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [text(name), json(member)]))
  }
  return { text, json: (value) => (known.length === 0 ? value : json(value)) }
}
