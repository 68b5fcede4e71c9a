import type { Effect } from "effect"
import type { Aim } from "./report.ts"

/** The server that a part runs on. */
export interface Server {
  readonly url: string
  /** Whether what it confirms is on the disk. */
  readonly fsync: boolean
}

/** One part of the benchmarks. It prints its table and gives the aims that it says something of. */
export interface Part {
  readonly name: string
  /** It says nothing of the disk: once is enough, with the disk. */
  readonly once?: true
  readonly run: (server: Server) => Effect.Effect<ReadonlyArray<Aim>, unknown>
}
