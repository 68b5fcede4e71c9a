import type { LogHealth } from "../../log.ts"

/** Why what a node has of the log is wrong. */
export interface Break {
  readonly why: string
  /** It can do nothing as long as this is so. */
  readonly stays: boolean
  /** Where the log ends, if it has lost what came after. */
  readonly end: number | undefined
}

/** Whether the log is still the one of which a node has state in memory. */
export class Continuity {
  readonly #log: LogHealth
  #rewinds: number

  constructor(log: LogHealth) {
    this.#log = log
    this.#rewinds = log.status.rewinds
  }

  /** What has broken since it was last asked, or is broken still. */
  readonly look = (): Break | undefined => {
    const { fault, rewinds, lastSequence } = this.#log.status
    if (fault !== undefined) {
      return { why: "the log was replaced: the node leaves its shards to others", stays: true, end: undefined }
    }
    if (rewinds === this.#rewinds) return undefined
    this.#rewinds = rewinds
    return { why: "the log has lost what it had not confirmed: the node joins anew", stays: false, end: lastSequence }
  }
}
