import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig
} from "@nats-io/jetstream"
import { Effect } from "effect"
import { ServerUnsuitable } from "../errors.ts"
import type { Subjects } from "./subjects.ts"

export interface StreamOptions {
  /** How many shards a new namespace gets; an existing one keeps what it has. */
  readonly shards: number
  /** Copies of the stream in a cluster: 1 or 3. */
  readonly replicas: number
}

const SECOND_NANOS = 1_000_000_000
const DUPLICATE_WINDOW_SECONDS = 120
const SHARDS_KEY = "conclave_shards"

/**
 * The namespace's stream, created if there is none.
 *
 * @returns how many shards the namespace has
 */
export const ensureStream = Effect.fnUntraced(function* (
  manager: JetStreamManager,
  subjects: Subjects,
  options: StreamOptions
) {
  const existing = yield* attempt(() => find(manager, subjects.stream))
  const config = existing?.config ?? (yield* attempt(() => manager.streams.add(configOf(subjects, options)))).config
  const shards = Number(config.metadata?.[SHARDS_KEY])
  if (!Number.isInteger(shards) || shards < 1 || config.allow_atomic !== true) {
    return yield* new ServerUnsuitable({
      detail: `the stream ${subjects.stream} exists already and is not Conclave's: choose another namespace`
    })
  }
  return shards
})

const configOf = (
  subjects: Subjects,
  options: StreamOptions
): Partial<StreamConfig> & Pick<StreamConfig, "name" | "subjects"> => ({
  name: subjects.stream,
  subjects: [...subjects.stored],
  retention: RetentionPolicy.Limits,
  // The server allows no other policy beside message schedules. With a size limit it would drop the oldest journals, so
  // the stream has none: what bounds it is the server's own storage limit, at which it refuses (`LogFull`).
  discard: DiscardPolicy.Old,
  storage: StorageType.File,
  num_replicas: options.replicas,
  duplicate_window: DUPLICATE_WINDOW_SECONDS * SECOND_NANOS,
  allow_direct: true,
  allow_rollup_hdrs: true,
  allow_msg_ttl: true,
  allow_msg_schedules: true,
  allow_atomic: true,
  republish: { src: subjects.event(">"), dest: subjects.live(">") },
  metadata: { [SHARDS_KEY]: String(options.shards) }
})

const find = (manager: JetStreamManager, stream: string) =>
  manager.streams.info(stream).catch((error: unknown) => {
    if (error instanceof Error && error.message.includes("stream not found")) return undefined
    throw error
  })

const attempt = <A>(run: () => Promise<A>) =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new ServerUnsuitable({
        detail: `JetStream did not answer: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })
