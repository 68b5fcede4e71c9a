import { Effect, Schema } from "effect"
import { ServerUnsuitable } from "../errors.ts"

export interface DurabilityOptions {
  /**
   * The HTTP monitoring of each server, such as `http://127.0.0.1:8222`, several with commas between them. Only there
   * can be seen when a server writes to the disk; a user of NATS cannot ask.
   */
  readonly monitorUrl?: string | undefined
  /**
   * What to do about a server that confirms what is not on the disk yet (`sync_interval` other than `always`): `warn`
   * (the default) in the log, or refuse to start (`strict`), also where it cannot be seen.
   */
  readonly durability?: "strict" | "warn" | undefined
  /** Whether the servers are known to write before they confirm, as one does that we configured ourselves. */
  readonly syncAlways?: boolean | undefined
}

/** What the monitoring says of one server. */
export interface Seen {
  readonly address: string
  readonly server: string
  readonly syncAlways: boolean
}

const ASK_TIMEOUT = "5 seconds"

/**
 * Compares how the servers write to the disk with what is wanted.
 *
 * Fails in `strict` with a sentence that says what to do; in `warn` it only logs.
 *
 * @param connectedTo the id of the server that we are connected to, which has to be among those that were asked
 */
export const checkDurability = (
  options: DurabilityOptions,
  connectedTo: string
): Effect.Effect<void, ServerUnsuitable> =>
  Effect.gen(function* () {
    const strict = options.durability === "strict"
    if (options.syncAlways === true) return
    const addresses = addressesIn(options.monitorUrl)
    if (addresses.length === 0 && options.syncAlways === undefined) {
      if (strict) return yield* new ServerUnsuitable({ detail: UNSEEN })
      return yield* Effect.logDebug("durability not checked: no NATS_MONITOR_URL")
    }
    const seen = yield* Effect.forEach(addresses, ask).pipe(
      Effect.catch((error) => (strict ? Effect.fail(error) : Effect.as(Effect.logWarning(error.detail), undefined)))
    )
    const fault = seen === undefined ? undefined : faultIn(seen, connectedTo)
    if (fault === undefined) return
    if (strict) return yield* new ServerUnsuitable({ detail: fault })
    yield* Effect.logError(`${fault}; a power failure can lose what was confirmed`)
  })

const UNSEEN =
  "CONCLAVE_DURABILITY=strict, but nothing says when the NATS server writes to the disk: set NATS_MONITOR_URL to the " +
  "address of its HTTP monitoring, such as http://127.0.0.1:8222"

/** What is wrong with what was seen. None seen means that the server is one of which we know that it does not wait. */
export const faultIn = (seen: ReadonlyArray<Seen>, connectedTo: string): string | undefined => {
  const lazy = seen.filter(({ syncAlways }) => !syncAlways).map(({ address }) => address)
  if (seen.length === 0 || lazy.length > 0) {
    const which = lazy.length === 0 ? "" : ` at ${lazy.join(", ")}`
    return `the NATS server${which} confirms writes before they are on the disk: set "sync_interval: always" in its jetstream block`
  }
  return seen.some(({ server }) => server === connectedTo)
    ? undefined
    : `the NATS server that we are connected to is none of those at ${seen.map(({ address }) => address).join(", ")}: name all servers in NATS_MONITOR_URL`
}

const addressesIn = (monitorUrl: string | undefined): ReadonlyArray<string> =>
  (monitorUrl ?? "")
    .split(",")
    .map((address) => address.trim().replace(/\/+$/, ""))
    .filter((address) => address !== "")

const JetStream = Schema.Struct({
  server_id: Schema.String,
  // Absent where it is false, and the whole where JetStream is switched off.
  config: Schema.optionalKey(Schema.Struct({ sync_always: Schema.optionalKey(Schema.Boolean) }))
})

const ask = (address: string): Effect.Effect<Seen, ServerUnsuitable> =>
  Effect.tryPromise(async (signal) => (await fetch(`${address}/jsz`, { signal })).json()).pipe(
    Effect.timeout(ASK_TIMEOUT),
    Effect.flatMap(Schema.decodeUnknownEffect(JetStream)),
    Effect.map(({ server_id, config }) => ({ address, server: server_id, syncAlways: config?.sync_always === true })),
    Effect.mapError(
      () =>
        new ServerUnsuitable({
          detail: `nothing at ${address} says when the NATS server writes to the disk: NATS_MONITOR_URL must be the address of its HTTP monitoring`
        })
    )
  )
