import { Clock, Effect, Fiber, type Scope } from "effect"
import { CounterProtocol } from "../test/support/counter.ts"
import type { NodeProcess } from "./node-process.ts"
import type { Part } from "./part.ts"
import { median, millis, mustBe, printTable, ROUNDS, type Row } from "./report.ts"
import { openSystem, range, type System, sum } from "./system.ts"

const ACTORS = 200
const TTL_SECONDS = 5
const PAUSE = "20 millis"

/** One actor that is asked again and again. Times in milliseconds since 1970. */
interface Asked {
  readonly id: string
  asks: number
  /** When it first answered an ask that was sent after the node had ended. */
  again: number | undefined
  /** The longest that an ask waited in this round. */
  longest: number
}

/** How long actors do not answer when their node dies, and when it stops. */
export const takeover: Part = {
  name: "takeover",
  once: true,
  run: ({ url }) =>
    Effect.gen(function* () {
      const killed = yield* Effect.scoped(measure(url, (node) => node.kill))
      const stopped = yield* Effect.scoped(measure(url, (node) => node.stop))
      const row = (label: string, all: typeof killed, beside: string): Row => [
        label,
        millis(median(all.map(({ again }) => again))),
        millis(Math.max(...all.map(({ again }) => again))),
        millis(median(all.map(({ longest }) => longest))),
        millis(Math.max(...all.map(({ longest }) => longest))),
        beside
      ]
      yield* printTable(
        `Take-over: one of two node processes ends, ${ACTORS} actors are asked without a pause, ${ROUNDS} times. From the signal until all have answered an ask that was sent after the process had ended`,
        ["", "all answer again", "slowest", "longest ask", "slowest", "beside"],
        [
          row("kill -9", killed, `${TTL_SECONDS * 1_000} ms lease`),
          row("SIGTERM", stopped, "0 ms: nothing has to expire")
        ]
      )
      return []
    })
}

const measure = (url: string, end: (node: NodeProcess) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const system = yield* openSystem({ url, nodes: 0, ttlSeconds: TTL_SECONDS })
    const asked = range(ACTORS).map((index): Asked => ({ id: `k${index}`, asks: 0, again: undefined, longest: 0 }))
    yield* system.start("stays")
    const rounds = yield* Effect.forEach(range(ROUNDS), (round) =>
      Effect.scoped(measureRound(system, asked, `goes${round}`, end))
    )
    const counts = yield* Effect.forEach(asked, ({ id }) => system.actors.ask(CounterProtocol, id, "Get", {}))
    yield* mustBe("asks counted", sum(counts), sum(asked.map(({ asks }) => asks)))
    return rounds
  })

const measureRound = (
  system: System,
  asked: ReadonlyArray<Asked>,
  name: string,
  end: (node: NodeProcess) => Effect.Effect<void>
): Effect.Effect<{ readonly again: number; readonly longest: number }, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const node = yield* system.start(name)
    yield* system.settled(["stays", name])
    const book = { gone: Number.POSITIVE_INFINITY, stopped: false }
    const asking = yield* Effect.forkChild(
      Effect.forEach(asked, (each) => askOnce(system, each, book).pipe(Effect.repeat({ until: () => book.stopped })), {
        concurrency: "unbounded",
        discard: true
      })
    )
    yield* Effect.sleep("1 second")
    for (const each of asked) Object.assign(each, { again: undefined, longest: 0 })
    const signalled = yield* Clock.currentTimeMillis
    yield* end(node)
    book.gone = yield* Clock.currentTimeMillis
    yield* Effect.sleep("5 millis").pipe(
      Effect.repeat({ until: () => asked.every(({ again }) => again !== undefined) })
    )
    book.stopped = true
    yield* Fiber.join(asking)
    return {
      again: Math.max(...asked.map(({ again }) => again ?? Number.NaN)) - signalled,
      longest: Math.max(...asked.map(({ longest }) => longest))
    }
  })

const askOnce = ({ actors }: System, asked: Asked, book: { readonly gone: number }) =>
  Effect.gen(function* () {
    const sent = yield* Clock.currentTimeMillis
    yield* actors.ask(CounterProtocol, asked.id, "Add", { n: 1 }, { timeout: "30 seconds" })
    const answered = yield* Clock.currentTimeMillis
    asked.asks++
    asked.longest = Math.max(asked.longest, answered - sent)
    if (sent >= book.gone) asked.again ??= answered
    yield* Effect.sleep(PAUSE)
  })
