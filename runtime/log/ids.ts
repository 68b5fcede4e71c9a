/** Names for what has none yet. */
export interface Ids {
  /** An id that nobody has been given before, in any process. */
  readonly newId: () => string
}
