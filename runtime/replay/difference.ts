import { canonical } from "../canonical-json.ts"

/** One place where two JSON values differ. Without `before` it was added, without `after` it was removed. */
export interface Difference {
  /** Such as `votes[2].confidence`; empty for the whole. What was removed from a list has its old index, all else the new one. */
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

/**
 * What changed from one JSON value to another: members of objects by their names, items of lists by their places. A list
 * that only lost some at its front and got some at its end is seen as that.
 */
export const differenceOf = (before: unknown, after: unknown, path = ""): ReadonlyArray<Difference> => {
  if (canonical(before) === canonical(after)) return []
  if (Array.isArray(before) && Array.isArray(after)) return ofLists(before, after, path)
  if (isRecord(before) && isRecord(after)) return ofRecords(before, after, path)
  return [{ path, before, after }]
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const ofRecords = (
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  path: string
): ReadonlyArray<Difference> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const inner = member(path, name)
    if (!Object.hasOwn(after, name)) return [{ path: inner, before: before[name] }]
    if (!Object.hasOwn(before, name)) return [{ path: inner, after: after[name] }]
    return differenceOf(before[name], after[name], inner)
  })

const member = (path: string, name: string): string => {
  if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === "" ? name : `${path}.${name}`
}

const ofLists = (
  before: ReadonlyArray<unknown>,
  after: ReadonlyArray<unknown>,
  path: string
): ReadonlyArray<Difference> => {
  const moved = shift(before.map(canonical), after.map(canonical))
  const kept = moved === undefined ? Math.min(before.length, after.length) : before.length - moved
  const removed = moved === undefined ? before.slice(kept) : before.slice(0, moved)
  const firstRemoved = moved === undefined ? kept : 0
  return [
    ...removed.map((item, index) => ({ path: `${path}[${firstRemoved + index}]`, before: item })),
    ...(moved === undefined
      ? before.slice(0, kept).flatMap((item, index) => differenceOf(item, after[index], `${path}[${index}]`))
      : []),
    ...after.slice(kept).map((item, index) => ({ path: `${path}[${kept + index}]`, after: item }))
  ]
}

/** How many items went from the front of a list, if what is left is the beginning of the other and not nothing. */
const shift = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): number | undefined => {
  if (before.length === 0) return 0
  for (let count = Math.max(0, before.length - after.length); count < before.length; count++) {
    if (before.slice(count).every((item, index) => item === after[index])) return count
  }
  return undefined
}
