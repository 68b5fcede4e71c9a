/** Of what is `unknown` nothing is said. */
type Optional<T> = {
  [K in keyof T]: unknown extends T[K] ? never : undefined extends T[K] ? K : never
}[keyof T]

/** An object whose members that may be undefined are optional instead. */
export type OmitUndefined<T> = {
  readonly [K in Exclude<keyof T, Optional<T>>]: T[K]
} & { readonly [K in Optional<T>]?: Exclude<T[K], undefined> }

/** An object without its members that are undefined, in the same order: what its schema calls optional is then absent. */
export const omitUndefined = <const T extends object>(members: T): OmitUndefined<T> => {
  const present: Record<string, unknown> = {}
  for (const name of Object.keys(members)) {
    const value = (members as Record<string, unknown>)[name]
    if (value !== undefined) present[name] = value
  }
  return present as OmitUndefined<T>
}
