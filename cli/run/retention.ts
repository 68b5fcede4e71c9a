// What is removed, and when: old rounds by age; on a data folder of our own also the oldest events, so that it stays in its bound.
import { Clock, Console, Duration, Effect, Schedule } from "effect"
import { encodeTime } from "ulid"
import { isRequestedRound, roundOpenedAt } from "../../actors/index.ts"
import { ConsensusProtocol } from "../../protocols/index.ts"
import { type Address, Archive, formatAddress, Operators, parseRecord, type ReadError } from "../../runtime/index.ts"
import { folderBytes, type Server, sizeText } from "../../server/index.ts"
import type { Configuration } from "../config.ts"
import { connectOperators } from "./server.ts"

const SWEEP_EVERY = "10 minutes"
const SWEEP_FIRST = "1 minute"
const LOOK_EVERY = "15 seconds"
const PAGE = 500
const AT_ONCE = 8
/** No round lives longer: an hour for votes, an hour for a person. */
const ROUND_LIFE = Duration.hours(3)
const ROUND_RECORDS_MAX = 1_000
/** Shares of the limit: said once it is near, and room is made before it is reached. */
const NEAR = 0.8
const FULL = 0.9
/** How much of all events is removed at a time. The server frees the disk in its own time, so no more until the next look. */
const STEP = 0.25

/** Which rounds are looked at: all unless given. */
export interface Swept {
  /** Opened at this time or later, in milliseconds since 1970. */
  readonly since?: number | undefined
  /** Only those that somebody asked for. */
  readonly requested?: boolean
}

/**
 * Removes the journals of rounds that were opened before a time, in milliseconds since 1970, and are closed. Gives how many.
 * Where the time is long enough ago, all of them are.
 */
export const sweepRounds = (
  archive: Archive["Service"],
  before: number,
  { since, requested = false }: Swept = {}
): Effect.Effect<number, ReadError> =>
  Effect.gen(function* () {
    const closedBy = (yield* Clock.currentTimeMillis) - Duration.toMillis(ROUND_LIFE)
    let removed = 0
    let after =
      since === undefined
        ? undefined
        : formatAddress({ type: ConsensusProtocol.type, id: encodeTime(Math.max(0, since)) })
    for (;;) {
      // In order of their names, which is that of their times.
      const page = yield* archive.journals({ type: ConsensusProtocol.type }, after, PAGE)
      const old = yield* Effect.filter(
        page,
        ({ address }) => {
          if (requested && !isRequestedRound(address.id)) return Effect.succeed(false)
          const openedAt = roundOpenedAt(address.id) ?? before
          return openedAt >= before || openedAt < closedBy
            ? Effect.succeed(openedAt < before)
            : isClosed(archive, address)
        },
        { concurrency: AT_ONCE }
      )
      yield* Effect.forEach(old, ({ address }) => archive.forget(address), { concurrency: AT_ONCE, discard: true })
      removed += old.length
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE || (roundOpenedAt(last.address.id) ?? 0) >= before) return removed
      after = formatAddress(last.address)
    }
  })

const isClosed = (archive: Archive["Service"], round: Address): Effect.Effect<boolean, ReadError> =>
  Effect.map(archive.history(round, 0, ROUND_RECORDS_MAX), (records) =>
    records.some(({ payload }) =>
      parseRecord(payload).steps.some(({ events = [] }) => events.some(({ _tag }) => _tag === "Closed"))
    )
  ).pipe(Effect.catchDefect(() => Effect.succeed(false)))

/** Removes old rounds for ever, as long as this node is the first of those that are alive, by name. */
export const keepRounds = (
  name: string,
  { roundRetention, requestedRoundRetention }: Configuration,
  operators: Operators["Service"]
): Effect.Effect<never, never, Archive> =>
  Effect.gen(function* () {
    const archive = yield* Archive
    if (roundRetention === "never" && requestedRoundRetention === "never") return yield* Effect.never
    /** Up to when there is nothing left to remove of those that somebody asked for. */
    let since: number | undefined
    const sweep = Effect.gen(function* () {
      const [first] = (yield* operators.nodes).map((node) => node.name).toSorted()
      if (first !== name) return
      const now = yield* Clock.currentTimeMillis
      let removed =
        roundRetention === "never" ? 0 : yield* sweepRounds(archive, now - Duration.toMillis(roundRetention))
      if (requestedRoundRetention !== "never") {
        const before = now - Duration.toMillis(requestedRoundRetention)
        removed += yield* sweepRounds(archive, before, { since, requested: true })
        since = before
      }
      if (removed > 0) yield* Effect.logInfo("old rounds removed", { removed })
    }).pipe(Effect.catch((error) => Effect.logInfo("old rounds not removed this time", { reason: error.message })))
    return yield* Effect.delay(Effect.repeat(sweep, Schedule.spaced(SWEEP_EVERY)), SWEEP_FIRST).pipe(
      Effect.andThen(Effect.never)
    )
  })

/** Makes room: the oldest quarter of the events, and the rounds from before what is left. False if nothing can be removed. */
const makeRoom = Effect.fnUntraced(function* (archive: Archive["Service"]) {
  const oldest = yield* archive.oldestEvent
  const upTo = oldest && oldest.sequence + Math.floor(((yield* archive.newest) - oldest.sequence) * STEP)
  if (upTo !== undefined) yield* archive.forgetEvents(upTo)
  const left = upTo === undefined ? undefined : yield* archive.eventFrom(upTo + 1)
  const before = left?.time ?? (yield* Clock.currentTimeMillis)
  return (yield* sweepRounds(archive, before)) > 0 || upTo !== undefined
})

/** Keeps a data folder below its limit for ever, and tells people when it is near. */
export const keepSize = (folder: string, { dataLimit }: Configuration): Effect.Effect<never, never, Archive> =>
  Effect.gen(function* () {
    const archive = yield* Archive
    if (!Number.isFinite(dataLimit)) return yield* Effect.never
    const said = { near: false, full: false }
    const limit = sizeText(dataLimit)
    const look = Effect.gen(function* () {
      const bytes = folderBytes(folder)
      if (bytes >= NEAR * dataLimit && !said.near) {
        said.near = true
        yield* Console.log(
          `data: ${sizeText(bytes)} of ${limit} are used; from ${sizeText(FULL * dataLimit)} on the oldest events and rounds are removed (CONCLAVE_DATA_LIMIT)`
        )
      }
      if (bytes < FULL * dataLimit) return
      const made = yield* makeRoom(archive)
      if (made || bytes < dataLimit || said.full) return
      said.full = true
      yield* Effect.logWarning(
        `${folder} takes ${sizeText(bytes)}, more than its limit of ${limit}, and no event or round is left to remove: raise CONCLAVE_DATA_LIMIT, or look for mail that waits (conclave actors waiting)`
      )
    }).pipe(Effect.catch((error) => Effect.logInfo("no room made this time", { reason: error.message })))
    return yield* Effect.repeat(look, Schedule.spaced(LOOK_EVERY)).pipe(Effect.andThen(Effect.never))
  })

/** Both, for a node, over a connection of their own, until interrupted. Without a folder only rounds are removed. */
export const keepRetention = (config: Configuration, server: Server, name: string, folder?: string) =>
  Effect.gen(function* () {
    const operators = yield* Operators
    const rounds = keepRounds(name, config, operators)
    yield* Effect.all(folder === undefined ? [rounds] : [rounds, keepSize(folder, config)], {
      concurrency: "unbounded"
    })
  }).pipe(
    Effect.provide(connectOperators(config, server)),
    Effect.catch((error) => Effect.logWarning("nothing is removed by age or size", { reason: error.message }))
  )
