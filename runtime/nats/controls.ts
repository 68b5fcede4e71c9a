import { jetstreamManager } from "@nats-io/jetstream"
import type { KvWatchEntry } from "@nats-io/kv"
import { Effect, Layer, Result, Schema } from "effect"
import { type Address, addressFault, formatAddress } from "../address.ts"
import { Controls, type Pause, type Pauses, type Target } from "../controls.ts"
import { LogRefused, type ReadError, ServerUnsuitable } from "../errors.ts"
import { type Bucket, openBucket } from "./bucket.ts"
import { Nats } from "./connection.ts"
import type { Stored } from "./direct.ts"
import { watchBucket } from "./kv-watch.ts"
import { directReader, type StreamReader } from "./reader.ts"
import { readAfter } from "./stored.ts"
import { makeSubjects, type Subjects } from "./subjects.ts"

export interface ControlOptions {
  readonly replicas: number
}

/** How long the server may take to answer. */
const PATIENCE_MILLIS = 5_000
/** What was changed so long ago has to be heard of. */
const HEARD_MILLIS = 30_000
/** How often a change is tried again that somebody else's came before. */
const TRIES = 5

/**
 * `Controls` in a key-value bucket: `everything`, `type.<type>` and `actor.<type>.<id>` are keys, the id in base64url.
 *
 * The key alone says what is paused; a value that cannot be read takes nothing from that.
 */
export const layerControls = (options: ControlOptions): Layer.Layer<Controls, ServerUnsuitable, Nats> =>
  Layer.effect(
    Controls,
    Effect.gen(function* () {
      const nats = yield* Nats
      const subjects = makeSubjects(nats.options.namespace)
      const { replicas } = options
      const bucket = yield* openBucket(nats, subjects.controls, { replicas, patienceMillis: PATIENCE_MILLIS })
      const manager = yield* Effect.tryPromise({
        try: () => jetstreamManager(nats.connection),
        catch: (cause) => new ServerUnsuitable({ detail: `JetStream does not answer: ${String(cause)}` })
      })
      return Controls.of({
        pause: (pause) => change(bucket, keyOf(pause.target), encode(pause)),
        resume: (target) => change(bucket, keyOf(target), undefined),
        read: readPauses(directReader(nats.connection, manager, `KV_${subjects.controls}`), subjects),
        watch: (see) => follow(nats, bucket, see)
      })
    })
  )

const Value = Schema.fromJsonString(
  Schema.Struct({
    by: Schema.Literals(["operator", "runtime"]),
    cause: Schema.String,
    since: Schema.Int,
    crashed: Schema.optionalKey(Schema.Literal(true))
  })
)
const encodeValue = Schema.encodeSync(Value)
const decodeValue = Schema.decodeUnknownResult(Value)

const encode = ({ target: _, ...value }: Pause): string => encodeValue(value)

/** What is paused now. It only reads. */
export const readPauses = (
  reader: Pick<StreamReader, "page">,
  { keyOfControl }: Subjects
): Effect.Effect<Pauses, ReadError> =>
  readAfter({ reader, pattern: `${keyOfControl}>` }, 0, Number.POSITIVE_INFINITY, (message) => ({
    key: message.subject.slice(keyOfControl.length),
    present: isPresent((name) => message.header(name)),
    value: message.payload,
    time: message.time
  })).pipe(Effect.map((found) => makePauses(byName(found.flatMap((entry) => readPause(entry) ?? [])))))

/** Writes a key that is not there, or, without a value, removes one that is. False if there is nothing to change. */
const change = (bucket: Bucket, key: string, value: string | undefined): Effect.Effect<boolean, ReadError> =>
  Effect.gen(function* () {
    for (let tries = 0; tries <= TRIES; tries++) {
      const found = yield* bucket.read(key)
      if ((found.value === undefined) === (value === undefined)) return false
      const changed =
        value === undefined
          ? yield* bucket.remove(key, found.revision, "expires")
          : (yield* bucket.write(key, value, { expected: found.revision })) !== undefined
      if (changed) return true
    }
    return yield* new LogRefused({ code: 0, detail: "somebody else changes it all the time" })
  })

// The server's own markers have a reason in place of an operation.
const isPresent = (header: Stored["header"]): boolean =>
  header("KV-Operation") === "" && header("Nats-Marker-Reason") === ""

interface KeyValue {
  readonly key: string
  readonly present: boolean
  readonly value: string
  readonly time: number
}

const follow = (nats: Nats["Service"], bucket: Bucket, see: (pauses: Pauses) => void) =>
  watchBucket<Map<string, Pause>>(nats, bucket, HEARD_MILLIS, {
    begin: () => new Map(),
    take: (pauses, entry) => {
      const pause = readPause(fromEntry(entry))
      const name = pause === undefined ? nameOfKey(entry.key) : nameOf(pause.target)
      if (pause === undefined) return name !== undefined && pauses.delete(name)
      pauses.set(name ?? "", pause)
      return true
    },
    whole: (pauses) => see(makePauses(pauses))
  })

const nameOfKey = (key: string): string | undefined => {
  const target = parseKey(key)
  return target === undefined ? undefined : nameOf(target)
}

const fromEntry = (entry: KvWatchEntry): KeyValue => ({
  key: entry.key,
  present: entry.operation === "PUT",
  value: entry.string(),
  time: entry.created.getTime()
})

const readPause = ({ key, present, value, time }: KeyValue): Pause | undefined => {
  const target = present ? parseKey(key) : undefined
  if (target === undefined) return undefined
  const read = decodeValue(value)
  return Result.isSuccess(read)
    ? { target, ...read.success }
    : { target, by: "operator", cause: "not said in a way that can be read", since: time }
}

/** Keys take fewer characters than ids have. */
const encodeId = Schema.encodeSync(Schema.StringFromBase64Url)
const decodeId = Schema.decodeUnknownResult(Schema.StringFromBase64Url)

const keyOf = (target: Target): string => {
  if (target.kind === "everything") return "everything"
  if (target.kind === "type") return `type.${target.type}`
  return `actor.${target.address.type}.${encodeId(target.address.id)}`
}

const parseKey = (key: string): Target | undefined => {
  if (key === "everything") return { kind: "everything" }
  const [kind, type = "", encoded] = key.split(".")
  if (kind === "type" && encoded === undefined) return isSound({ type, id: "any" }) ? { kind, type } : undefined
  if (kind !== "actor" || encoded === undefined) return undefined
  const id = decodeId(encoded)
  const address = { type, id: Result.isSuccess(id) ? id.success : "" }
  return isSound(address) ? { kind, address } : undefined
}

const isSound = (address: Address): boolean => addressFault(address) === undefined

const byName = (pauses: ReadonlyArray<Pause>) => new Map(pauses.map((pause) => [nameOf(pause.target), pause]))

/** It looks into what it is given: one more pause among thousands costs no more than the first. */
const makePauses = (pauses: ReadonlyMap<string, Pause>): Pauses => ({
  get all() {
    return [...pauses.values()].toSorted((one, other) => one.since - other.since)
  },
  get isEmpty() {
    return pauses.size === 0
  },
  of: (address) =>
    // Of every message this is asked: mostly nothing is paused.
    pauses.size === 0
      ? undefined
      : (pauses.get(EVERYTHING) ?? pauses.get(address.type) ?? pauses.get(formatAddress(address)))
})

const EVERYTHING = "*"

/** A type holds no slash and no asterisk, so that no two targets share a name. */
const nameOf = (target: Target): string => {
  if (target.kind === "everything") return EVERYTHING
  return target.kind === "type" ? target.type : formatAddress(target.address)
}
