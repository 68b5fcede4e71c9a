/** How far, in sequences, an actor may be behind before it is named. */
export const ASIDE_AFTER = 1_000
/** How many are named at most. */
const NAMES_MAX = 200

/** All mail of some shards up to `reach` is done, but that of whom `except` names: actors as `type/id`, or whole types. */
export interface Aside {
  readonly reach: number
  readonly except: ReadonlyArray<string>
}

/** An actor, or a type, and the oldest sequence of it that is not done. */
export type Undone = readonly [name: string, oldest: number]

/**
 * How far mail is done if those who are far behind are set aside, of all that is not done. Nothing, if nobody is.
 *
 * Far behind is whose oldest message is at or before `behindAt`. Where too many of a type are far behind, the whole type is named, and where even that is too much, only those who are
 * furthest behind.
 */
export const asideOf = (reached: number, undone: ReadonlyArray<Undone>, behindAt: number): Aside | undefined => {
  const behind = undone.filter(([, oldest]) => oldest <= behindAt)
  if (behind.length === 0) return undefined
  const named = bounded(behind)
  const names = new Set(named.map(([name]) => name))
  let reach = reached
  for (const [name, oldest] of undone) {
    if (!names.has(name) && !names.has(typeOf(name))) reach = Math.min(reach, oldest - 1)
  }
  return { reach, except: [...names] }
}

const bounded = (behind: ReadonlyArray<Undone>): ReadonlyArray<Undone> => {
  let named = behind
  while (named.length > NAMES_MAX) {
    const counts = new Map<string, number>()
    for (const [name] of named) counts.set(typeOf(name), (counts.get(typeOf(name)) ?? 0) + 1)
    const [type, count] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most))
    if (count === 1) break
    const oldest = Math.min(...named.flatMap(([name, each]) => (typeOf(name) === type ? [each] : [])))
    named = [...named.filter(([name]) => typeOf(name) !== type), [type, oldest]]
  }
  return named.toSorted(([, one], [, other]) => one - other).slice(0, NAMES_MAX)
}

/** A type holds no slash. */
const typeOf = (name: string): string => name.split("/", 1)[0] ?? name
