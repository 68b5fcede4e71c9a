import { performance } from "node:perf_hooks"
import { Clock, Context, Effect, Layer, References } from "effect"
import { allActors, PANEL, type Policy, quantPolicy } from "../actors/index.ts"
import { CoordinatorProtocol } from "../protocols/index.ts"
import { Actors, layerNode } from "../runtime/index.ts"
import { layerNats } from "../runtime/nats/index.ts"
import { windowOf } from "./bars.ts"
import type { Part } from "./part.ts"
import { median, millis, mustBe, perSecond, printTable, ROUNDS, type Row, rate } from "./report.ts"
import { measured, range, sum } from "./system.ts"

const SYMBOLS = 64
const ALONE = 40
const TOGETHER = 320
const BARS = 128
const BARS_OF = windowOf(BARS)

/**
 * Where the time of an analysis goes: to the rules, to waiting for the log, or to what lies between (coding, dispatch, sending).
 *
 * All three are of one process in one run. The rules are timed where they are computed; waiting is when the event loop has nothing to
 * do, for here there is only the log to wait for; the rest is what is left. So the three add up to the time that passed.
 */
export const analysis: Part = {
  name: "analysis",
  run: ({ url, fsync }) => Effect.scoped(measure(url, fsync))
}

const measure = (url: string, fsync: boolean) =>
  Effect.gen(function* () {
    const rules = timedRules()
    const nats = layerNats({ url, namespace: `analysis${process.pid}x${fsync ? 1 : 0}`, name: "bench" })
    const node = layerNode({ name: "here", actors: allActors({ policy: rules.policy }) })
    const actors = Context.get(yield* Layer.build(Layer.provideMerge(node, nats)), Actors)
    const symbol = (index: number) => `S${index % SYMBOLS}`
    let asked = 0
    const ask = (index: number) =>
      actors.ask(CoordinatorProtocol, symbol(index), "Analyze", { correlation_id: `a${asked++}`, bars: BARS_OF }, LONG)
    const analyses = (count: number, atOnce: number) =>
      Effect.forEach(range(count), ask, { concurrency: atOnce, discard: true })
    yield* analyses(2 * SYMBOLS, SYMBOLS) // activated, and compiled
    const turns = yield* Effect.forEach(range(ROUNDS), () =>
      Effect.all({
        alone: timeOf(analyses(ALONE, 1), rules),
        together: timeOf(analyses(TOGETHER, SYMBOLS), rules),
        rulesOnly: measured(onlyRules(TOGETHER))
      })
    )
    const statuses = yield* Effect.forEach(range(SYMBOLS), (index) =>
      actors.ask(CoordinatorProtocol, symbol(index), "GetStatus", {})
    )
    yield* mustBe("analyses decided", sum(statuses.map(({ decisions }) => decisions)), asked)
    yield* mustBe("opinions by rules", rules.count(), asked * PANEL.length)
    yield* printTable(
      `Analysis: ${BARS} bars, ${PANEL.length} agents with quant rules, a round; where the time of the process goes`,
      ["", "analyses", "each", "rules", "the log", "the rest"],
      [
        rowOf(
          "one at a time",
          ALONE,
          turns.map(({ alone }) => alone)
        ),
        rowOf(
          `${SYMBOLS} in flight`,
          TOGETHER,
          turns.map(({ together }) => together)
        ),
        rowOfRules(turns.map(({ rulesOnly }) => rulesOnly))
      ]
    )
    return []
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))

const LONG = { timeout: "60 seconds" } as const

/** The quant rules, with what they took so far, in milliseconds, and how many opinions they formed. */
const timedRules = () => {
  let [spent, count] = [0, 0]
  const policy: Policy = (request) =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const start = clock.monotonicTimeNanosUnsafe()
      const opinion = yield* quantPolicy(request)
      spent += Number(clock.monotonicTimeNanosUnsafe() - start) / 1e6
      count += 1
      return opinion
    })
  return { policy, spent: () => spent, count: () => count }
}

/** What passed, and the parts of it that went to the rules and to waiting for the log. */
interface Turn {
  readonly took: number
  readonly rules: number
  readonly waiting: number
}

const timeOf = <E, R>(work: Effect.Effect<void, E, R>, rules: { readonly spent: () => number }) =>
  Effect.gen(function* () {
    const spent = rules.spent()
    const before = performance.eventLoopUtilization()
    const took = yield* measured(work)
    const { idle } = performance.eventLoopUtilization(before)
    const turn: Turn = { took, rules: (rules.spent() - spent) / took, waiting: Math.min(1, idle / took) }
    return turn
  })

/** The same opinions without actors and log. */
const onlyRules = (analyses: number) =>
  Effect.forEach(
    range(analyses),
    (index) =>
      Effect.forEach(
        PANEL,
        (agentType) => quantPolicy({ agentType, symbol: "ACME", bars: BARS_OF, consensusId: `c${index}` }),
        { discard: true }
      ),
    { discard: true }
  )

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`

const rowOf = (label: string, count: number, turns: ReadonlyArray<Turn>): Row => {
  const took = median(turns.map((turn) => turn.took))
  const rules = median(turns.map((turn) => turn.rules))
  const waiting = median(turns.map((turn) => turn.waiting))
  const rest = median(turns.map((turn) => 1 - turn.rules - turn.waiting))
  return [label, rate(perSecond(count, took)), millis(took / count), percent(rules), percent(waiting), percent(rest)]
}

const rowOfRules = (turns: ReadonlyArray<number>): Row => {
  const took = median(turns)
  return [
    "the rules alone",
    rate(perSecond(TOGETHER, took)),
    millis(took / TOGETHER),
    percent(1),
    percent(0),
    percent(0)
  ]
}
