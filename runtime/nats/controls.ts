import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { type KV, Kvm, type KvWatchEntry } from "@nats-io/kv"
import { nuid } from "@nats-io/transport-node"
import { Effect, Layer, Result, Schema } from "effect"
import { type Address, addressFault, formatAddress } from "../address.ts"
import { Controls, type Pause, type Pauses, type Target } from "../controls.ts"
import { type AppendError, LogRefused, type ReadError, ServerUnsuitable } from "../errors.ts"
import { store } from "./batch.ts"
import { Nats } from "./connection.ts"
import type { Stored } from "./direct.ts"
import { line } from "./headers.ts"
import { followKv } from "./kv-follow.ts"
import { directReader, type StreamReader } from "./reader.ts"
import { attempt, readAfter } from "./stored.ts"
import { makeSubjects, type Subjects } from "./subjects.ts"

export interface ControlOptions {
  readonly replicas: number
}

/** A key that was removed leaves a marker for so long. */
const MARKER_MILLIS = 60_000
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
      const { controls: bucket } = subjects
      const { manager, kv } = yield* Effect.tryPromise({
        try: () => openBucket(nats, bucket, options.replicas),
        catch: (cause) => new ServerUnsuitable({ detail: `the bucket ${bucket} cannot be made: ${String(cause)}` })
      })
      const change = changing(nats, manager, subjects)
      return Controls.of({
        pause: (pause) => change(keyOf(pause.target), (present) => (present ? undefined : encode(pause))),
        resume: (target) => change(keyOf(target), (present) => (present ? REMOVED : undefined)),
        read: readPauses(directReader(nats.connection, manager, `KV_${bucket}`), subjects),
        watch: (see) => follow(nats, kv, bucket, see)
      })
    })
  )

const openBucket = async (nats: Nats["Service"], bucket: string, replicas: number) => {
  const manager = await jetstreamManager(nats.connection)
  const kv = await new Kvm(jetstream(nats.connection)).create(bucket, {
    replicas,
    markerTTL: MARKER_MILLIS,
    history: 1
  })
  return { manager, kv }
}

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

/** A message to be stored under a key. */
interface Change {
  readonly payload: string
  readonly headers: string
}

const encode = ({ target: _, ...value }: Pause): Change => ({ payload: encodeValue(value), headers: "" })

const REMOVED: Change = {
  payload: "",
  headers: line("KV-Operation", "PURGE") + line("Nats-Rollup", "sub") + line("Nats-TTL", `${MARKER_MILLIS / 1_000}s`)
}

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

/** Changes a key guarded by what it was. False if there is nothing to change. */
const changing = (nats: Nats["Service"], manager: JetStreamManager, subjects: Subjects) => {
  const stream = `KV_${subjects.controls}`
  const prefix = subjects.keyOfControl
  // From the leader: a replica may not know yet what was changed a moment ago.
  const last = (key: string) => attempt(() => manager.streams.getMessage(stream, { last_by_subj: prefix + key }))

  return (key: string, next: (present: boolean) => Change | undefined): Effect.Effect<boolean, ReadError> =>
    Effect.flatMap(last(key), (found) => {
      const to = next(found !== null && isPresent((name) => found.header.get(name)))
      if (to === undefined) return Effect.succeed(false)
      const guard = line("Nats-Expected-Last-Subject-Sequence", found?.seq ?? 0)
      const message = { subject: prefix + key, payload: to.payload, headers: to.headers + guard }
      return Effect.as(store(nats.connection, nuid.next(), [message]), true)
    }).pipe(
      Effect.retry({ while: (error) => error._tag === "Fenced", times: TRIES }),
      Effect.mapError((error) => asReadError(error))
    )
}

const asReadError = (error: AppendError): ReadError =>
  error._tag === "LogUnavailable" || error._tag === "LogRefused"
    ? error
    : new LogRefused({ code: 0, detail: error.message })

// The server's own markers have a reason in place of an operation.
const isPresent = (header: Stored["header"]): boolean =>
  header("KV-Operation") === "" && header("Nats-Marker-Reason") === ""

interface KeyValue {
  readonly key: string
  readonly present: boolean
  readonly value: string
  readonly time: number
}

const follow = (nats: Nats["Service"], kv: KV, bucket: string, see: (pauses: Pauses) => void) =>
  followKv<Map<string, Pause>>(nats, kv, {
    bucket,
    empty: () => new Map(),
    apply: (pauses, entry) => {
      const pause = readPause(fromEntry(entry))
      const name = pause === undefined ? nameOfKey(entry.key) : nameOf(pause.target)
      if (pause === undefined) return name !== undefined && pauses.delete(name)
      pauses.set(name ?? "", pause)
      return true
    },
    see: (pauses) => see(makePauses(pauses))
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
