import { Effect } from "effect"
import type { ReadError } from "../errors.ts"
import type { Bucket } from "./bucket.ts"
import { noteKey } from "./membership.ts"

/** Notes on shards, in keys of the bucket of leases: the last word holds, whoever had an earlier one. */
export class Notes {
  readonly #bucket: Bucket
  /** By shard: the revision of the note that this process has read or written last. */
  readonly #revisions = new Map<string, number>()

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  read(shard: string): Effect.Effect<string | undefined, ReadError> {
    return Effect.map(this.#bucket.read(noteKey(shard)), ({ revision, value }) => {
      this.#revisions.set(shard, revision)
      return value
    })
  }

  write(shard: string, text: string | undefined): Effect.Effect<void, ReadError> {
    return Effect.gen({ self: this }, function* () {
      if (yield* this.#put(shard, text)) return
      yield* this.read(shard)
      yield* this.#put(shard, text)
    })
  }

  /** False if there is another revision than is known. */
  #put(shard: string, text: string | undefined): Effect.Effect<boolean, ReadError> {
    return Effect.suspend(() => {
      const key = noteKey(shard)
      const expected = this.#revisions.get(shard) ?? 0
      if (text === undefined) {
        this.#revisions.delete(shard)
        return expected === 0 ? Effect.succeed(true) : this.#bucket.remove(key, expected, "expires")
      }
      return Effect.map(this.#bucket.write(key, text, { expected }), (revision) => {
        if (revision !== undefined) this.#revisions.set(shard, revision)
        return revision !== undefined
      })
    })
  }
}
