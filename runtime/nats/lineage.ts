import type { NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import type { LogUnavailable } from "../errors.ts"
import { readPage } from "./direct.ts"

/** A message of which is known when it was stored, in milliseconds since 1970. */
export interface Anchor {
  readonly sequence: number
  readonly time: number
}

const ANCHORS_MAX = 4

/**
 * Messages that are known to be in a stream. One that was restored from an older backup has the same name and the same
 * time of creation, and in the end as many messages; but where it went on, its messages were stored at other times.
 */
export class Lineage {
  /** The newest first. */
  #anchors: ReadonlyArray<Anchor> = []

  add(anchor: Anchor): void {
    if (anchor.sequence <= (this.#anchors[0]?.sequence ?? 0)) return
    this.#anchors = [anchor, ...this.#anchors].slice(0, ANCHORS_MAX)
  }

  /** True if it is certain that the stream is another one. `last` is its last message. */
  deniedBy(last: Anchor): boolean {
    const same = this.#anchors.find(({ sequence }) => sequence === last.sequence)
    return same !== undefined && same.time !== last.time
  }

  /** The same by what is stored: of the messages that are known, the newest that is still there decides. */
  judge(connection: NatsConnection, stream: string): Effect.Effect<StreamIdentity, LogUnavailable> {
    return Effect.gen({ self: this }, function* () {
      for (const { sequence, time } of this.#anchors) {
        const { messages } = yield* readPage(connection, stream, { seq: sequence, batch: 1 })
        const [found] = messages
        if (found?.sequence === sequence) return found.time === time ? { sameUpTo: sequence } : "another"
      }
      return "unknown"
    })
  }
}

/** Whether a stream is the one that was known: up to a sequence it certainly is, it certainly is not, or nothing is left that would tell. */
export type StreamIdentity = { readonly sameUpTo: number } | "another" | "unknown"
