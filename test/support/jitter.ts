// Many clients that are dropped and come back at random while events flow, through gateways that are restarted in turn.
import { Effect, Exit, Scope, type Scope as ScopeType } from "effect"
import { type Gap, GatewayClient } from "../../client/index.ts"
import { balancer } from "./balancer.ts"
import { openNamespace } from "./nats-gateway.ts"

export interface JitterOptions {
  readonly natsUrl: string
  readonly namespace: string
  readonly clients: number
  readonly seconds: number
  readonly eventsPerSecond: number
  /** The mean time between two drops of one client, in milliseconds. */
  readonly dropEveryMillis: number
}

export interface JitterResult {
  readonly published: number
  readonly drops: number
  readonly restarts: number
  readonly gaps: ReadonlyArray<Gap>
  /** Clients that have not every event they should, once and in order. */
  readonly wrong: ReadonlyArray<string>
  readonly delivered: number
}

const TICK_MILLIS = 50
const SYMBOLS = 20

/** One of twenty wants everything, the others one symbol each. */
const wants = (index: number, symbol: number) => index % SYMBOLS === 0 || index % SYMBOLS === symbol

const patternOf = (index: number) => (index % SYMBOLS === 0 ? "jitter.>" : `jitter.S${index % SYMBOLS}.*`)

export const jitter = (options: JitterOptions) =>
  Effect.gen(function* () {
    const { clients, seconds, eventsPerSecond, dropEveryMillis } = options
    const { publishAll, gateway } = yield* openNamespace(options.natsUrl, options.namespace)
    // A crowd has more addresses than this one.
    const limits = { connectionsPerAddressMax: clients * 2, historiesPerSecondPerClient: clients * 2 }
    const way = yield* balancer
    const start = Effect.gen(function* () {
      const scope = yield* Effect.acquireRelease(Scope.make(), (made) => Scope.close(made, Exit.void))
      return { scope, ...(yield* Scope.provide(gateway({ limits }), scope)) }
    })
    let running = [yield* start, yield* start]
    const route = () => way.setTargets(running.map(({ port }) => port))
    route()
    const seen = yield* Effect.forEach(Array.from({ length: clients }).keys(), (index) => openOne(way.port, index))
    yield* waitUntil("all are subscribed", () => seen.every(({ position }) => position() !== undefined))

    const stored: Array<{ readonly seq: number; readonly symbol: number }> = []
    let [drops, restarts, turn] = [0, 0, 0]
    const perTick = Math.max(1, Math.round((eventsPerSecond * TICK_MILLIS) / 1_000))
    const ticks = Math.round((seconds * 1_000) / TICK_MILLIS)
    for (let tick = 0; tick < ticks; tick++) {
      const symbols = Array.from({ length: perTick }, () => turn++ % SYMBOLS)
      const last = yield* publishAll(
        symbols.map((symbol) => `jitter.S${symbol}.x`),
        { tick }
      )
      stored.push(...symbols.map((symbol, index) => ({ seq: last - perTick + 1 + index, symbol })))
      drops += way.cut(() => Math.random() < TICK_MILLIS / dropEveryMillis)
      // One gateway goes and another comes, a third and two thirds of the way.
      if (tick === Math.floor(ticks / 3) || tick === Math.floor((2 * ticks) / 3)) {
        const [old, ...rest] = running
        running = [...rest, yield* start]
        route()
        restarts++
        yield* Effect.forkScoped(Scope.close(old!.scope, Exit.void))
      }
      yield* Effect.sleep(TICK_MILLIS)
    }
    const expected = Array.from({ length: clients }, (_, index) =>
      stored.filter(({ symbol }) => wants(index, symbol)).map(({ seq }) => seq)
    )
    yield* Effect.ignore(
      waitUntil("all have the last event", () =>
        seen.every(({ seqs }, index) => seqs.at(-1) === expected[index]?.at(-1))
      )
    )
    const wrong = seen.flatMap(({ seqs }, index) => {
      const due = expected[index] ?? []
      const right = seqs.length === due.length && seqs.every((seq, place) => seq === due[place])
      return right ? [] : [`client ${index}: ${seqs.length} of ${due.length}`]
    })
    const delivered = seen.reduce((sum, { seqs }) => sum + seqs.length, 0)
    const result: JitterResult = {
      published: stored.length,
      drops,
      restarts,
      gaps: seen.flatMap(({ gaps }) => gaps),
      wrong,
      delivered
    }
    return result
  })

const openOne = (port: number, index: number): Effect.Effect<Heard, never, ScopeType.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new GatewayClient({ url: `ws://127.0.0.1:${port}/ws`, backoffMillis: [50, 1_000] })),
      (client) => Effect.sync(() => client.close())
    ),
    (client) => {
      const [seqs, gaps]: [Array<number>, Array<Gap>] = [[], []]
      const onGap = (gap: Gap) => gaps.push(gap)
      const { position } = client.subscribe(patternOf(index), { onGap }, ({ seq }) => seqs.push(seq))
      return { seqs, gaps, position }
    }
  )

interface Heard {
  readonly seqs: ReadonlyArray<number>
  readonly gaps: ReadonlyArray<Gap>
  readonly position: () => number | undefined
}

const waitUntil = (what: string, check: () => boolean): Effect.Effect<void, Error> => {
  const poll: Effect.Effect<void> = Effect.suspend(() =>
    check() ? Effect.void : Effect.andThen(Effect.sleep("20 millis"), poll)
  )
  return Effect.timeoutOrElse(poll, {
    duration: "30 seconds",
    orElse: () => Effect.fail(new Error(`not in time: ${what}`))
  })
}
