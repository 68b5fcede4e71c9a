import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig
} from "@nats-io/jetstream"
import { errors } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import { ServerUnsuitable } from "../errors.ts"
import { betweenLeaders } from "./batch.ts"
import type { StreamReader } from "./reader.ts"
import { type EventRetention, formatRetention, RETENTION_KEY } from "./retention.ts"
import type { Subjects } from "./subjects.ts"

export interface StreamOptions {
  /** How many shards a new namespace gets; an existing one keeps what it has. */
  readonly shards: number
  /** Copies of the stream in a cluster: 1 or 3. */
  readonly replicas: number
}

/** What it takes to read the namespace's stream. */
export interface StreamReads {
  readonly reader: StreamReader
  /** Whether the stream has copies, one of which may be behind. */
  readonly replicated: () => boolean
  /** The last sequence that this process knows to be stored. Who has less is behind, also if it believes that it leads. */
  readonly seen: () => number
}

const SECOND_NANOS = 1_000_000_000
const DUPLICATE_WINDOW_SECONDS = 120
/** Under this name it stands in the stream's metadata how many shards the namespace has. */
export const SHARDS_KEY = "conclave_shards"

/** The namespace's stream as it was found. */
export interface Opened {
  /** How many shards the namespace has. */
  readonly shards: number
  /** When the stream was made: one that was deleted and made again is another. */
  readonly created: string
  /** How many copies the stream has. */
  readonly replicas: number
  readonly lastSequence: number
}

/** The namespace's stream, created if there is none; refused if it cannot be trusted with what the runtime stores. */
export const openStream = Effect.fnUntraced(function* (
  manager: JetStreamManager,
  subjects: Subjects,
  options: StreamOptions
): Effect.fn.Return<Opened, ServerUnsuitable> {
  const existing = yield* attempt(() => findStream(manager, subjects.stream))
  const { config, created, state } = existing ?? (yield* create(manager, subjects, options))
  const fault = streamFault(config, subjects)
  if (fault !== undefined) return yield* new ServerUnsuitable({ detail: fault })
  if (config.num_replicas < options.replicas) {
    yield* Effect.logWarning("the stream has fewer copies than are asked for: it keeps those it was made with", {
      stream: subjects.stream,
      copies: config.num_replicas,
      asked: options.replicas
    })
  }
  return { shards: shardsOf(config), created, replicas: config.num_replicas, lastSequence: state.last_seq }
})

/** Writes into the stream's metadata how long events are kept, if that stands otherwise there. */
export const tellRetention = (manager: JetStreamManager, stream: string, retention: EventRetention) =>
  attempt(async () => {
    const found = await findStream(manager, stream)
    const text = formatRetention(retention)
    if (found === undefined || found.config.metadata?.[RETENTION_KEY] === text) return
    await manager.streams.update(stream, { metadata: { ...found.config.metadata, [RETENTION_KEY]: text } })
  })

/** Processes that start together all find no stream; one of them makes it, and the others find that. */
const create = (manager: JetStreamManager, subjects: Subjects, options: StreamOptions) =>
  attempt(() => manager.streams.add(configOf(subjects, options))).pipe(
    Effect.catch((error) =>
      attempt(() => findStream(manager, subjects.stream)).pipe(
        Effect.flatMap((made) => (made === undefined ? Effect.fail(error) : Effect.succeed(made)))
      )
    )
  )

const shardsOf = (config: StreamConfig): number => Number(config.metadata?.[SHARDS_KEY])

/**
 * Says what is wrong with a stream, in a sentence that names it and the setting; nothing if it can be used.
 *
 * With `discard: old`, which message schedules demand, every limit would silently remove the oldest messages: journals.
 */
export const streamFault = (config: StreamConfig, subjects: Subjects): string | undefined => {
  const { stream } = subjects
  const shards = shardsOf(config)
  if (!Number.isInteger(shards) || shards < 1 || config.allow_atomic !== true) {
    return `the stream ${stream} exists already and is not Conclave's: choose another namespace`
  }
  const limited = LIMITS.find((limit) => config[limit] > 0)
  if (limited !== undefined) {
    const removes =
      limited === "max_msg_size" ? "would refuse large steps" : "would silently remove the oldest journals"
    return `the stream ${stream} has ${limited}=${config[limited]}, which ${removes}: take that limit off the stream (bound the server's max_file_store instead)`
  }
  const wrong = REQUIRED.find(([setting, value]) => config[setting] !== value)
  if (wrong !== undefined) {
    const [setting, value] = wrong
    return `the stream ${stream} has ${setting}=${String(config[setting])} and must have ${setting}=${String(value)}`
  }
  const missing = subjects.stored.find((subject) => !config.subjects.includes(subject))
  if (missing !== undefined) return `the stream ${stream} does not take the subject ${missing}: add it to the stream`
  if (config.republish?.src !== subjects.event(">") || config.republish.dest !== subjects.live(">")) {
    return `the stream ${stream} does not republish ${subjects.event(">")} to ${subjects.live(">")}: nobody would see events`
  }
  return undefined
}

const LIMITS = ["max_bytes", "max_msgs", "max_age", "max_msgs_per_subject", "max_msg_size"] as const

const REQUIRED = [
  ["retention", RetentionPolicy.Limits],
  ["discard", DiscardPolicy.Old],
  ["storage", StorageType.File],
  ["sealed", false],
  ["deny_purge", false],
  ["allow_direct", true],
  ["allow_rollup_hdrs", true],
  ["allow_msg_ttl", true],
  ["allow_msg_schedules", true]
] as const

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
  compression: StoreCompression.S2,
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

/** The stream, or nothing if there is none. Rejects if the server does not say. */
export const findStream = (manager: JetStreamManager, stream: string) =>
  manager.streams.info(stream).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined
    throw error
  })

/** A cluster between two leaders answers nothing, or that it cannot answer; that passes in some seconds. */
const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, ServerUnsuitable> =>
  Effect.tryPromise({ try: run, catch: (cause) => cause }).pipe(
    Effect.retry({
      while: passes,
      schedule: Schedule.spaced("250 millis").pipe(Schedule.upTo({ duration: PATIENCE }))
    }),
    Effect.mapError(
      (cause) =>
        new ServerUnsuitable({
          detail: `JetStream refused: ${cause instanceof Error ? cause.message : String(cause)}`
        })
    )
  )

const PATIENCE = "15 seconds"

const passes = (cause: unknown): boolean =>
  cause instanceof errors.TimeoutError || (cause instanceof JetStreamApiError && betweenLeaders(cause.code))
