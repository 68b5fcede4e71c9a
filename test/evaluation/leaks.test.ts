// Whether the questions of the agent tests give their answers away, to who looks at anything but prices.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { Policy, PolicyRequest } from "../../actors/index.ts"
import { runAgentTests } from "../../evaluation/agent-tests.ts"
import { makeExaminer } from "../../evaluation/examiner.ts"
import { acceptedOf } from "../../evaluation/expectations.ts"
import { type Case, casesOf } from "../../evaluation/scenarios.ts"
import { Decision } from "../../protocols/index.ts"
import { REGIMES } from "../../sim/index.ts"
import { opinionOf } from "../support/bars.ts"

/** What the market analyst is asked in a case, and as the how many-th it is. */
interface Asked {
  readonly about: Case
  readonly request: PolicyRequest
  readonly index: number
}

/** The questions of some seeds that are wanted, in the order in which they are asked, as they arrive through the coordinator. */
const askedIn = (seeds: ReadonlyArray<number>, isWanted: (about: Case) => boolean = () => true) =>
  Effect.map(Clock.Clock, (clock) => {
    const requests: Array<PolicyRequest> = []
    const policy: Policy = (request) => {
      if (request.agentType === "market_analyst") requests.push(request)
      return Effect.succeed(opinionOf("HOLD", 0.8))
    }
    const examine = makeExaminer(policy, clock)
    return seeds
      .flatMap((seed) => casesOf(seed, REGIMES))
      .flatMap((about, index): ReadonlyArray<Asked> => {
        if (!isWanted(about)) return []
        examine(about)
        return [{ about, request: requests.at(-1)!, index }]
      })
  })

/** A request with nothing left of prices and volumes but how many there are. */
const blinded = ({ bars, ...rest }: PolicyRequest) => {
  const { open, high, low, close, volume, ...about } = bars
  return { ...rest, ...about, sizes: [open, high, low, close, volume].map(({ length }) => length) }
}

const magnitude = (value: number) => Math.round(Math.log2(value))

/** What one could go by without looking at how prices move. */
const FEATURES: { readonly [name: string]: (asked: Asked) => unknown } = {
  "how many bars": ({ request }) => request.bars.close.length,
  "when they begin": ({ request }) => request.bars.time[0],
  "when they end": ({ request }) => request.bars.time.at(-1),
  "how far they are apart": ({ request }) => request.bars.time.map((time, at, all) => time - (all[at - 1] ?? time)),
  "the symbol": ({ request }) => request.symbol,
  "the round": ({ request }) => request.consensusId,
  "which fields there are": ({ request }) => [Object.keys(request), Object.keys(request.bars)],
  "all of that": ({ request }) => blinded(request),
  "the level of the first price": ({ request }) => magnitude(request.bars.open[0]!),
  "the digits of the first price": ({ request }) => String(request.bars.open[0]).length,
  "the level of the first volume": ({ request }) => magnitude(request.bars.volume[0]!),
  "how often one was asked, by the regimes": ({ index }) => index % REGIMES.length,
  "how often one was asked, by a symbol's questions": ({ index }) => index % 28,
  "how often one was asked, by a seed's questions": ({ index }) => index % 84
}

/** How often each decision will do, by what is seen. */
type Learnt = ReadonlyMap<string, ReadonlyMap<Decision, number>>

const isRegime = (about: Case) => "regime" in about

const acceptedIn = ({ about }: Asked): ReadonlyArray<Decision> =>
  "regime" in about ? acceptedOf(about.regime, "market_analyst", about.distance) : []

const learn = (asked: ReadonlyArray<Asked>, feature: (asked: Asked) => unknown): Learnt => {
  const learnt = new Map<string, Map<Decision, number>>()
  for (const each of asked) {
    const key = JSON.stringify(feature(each))
    const counts = learnt.get(key) ?? new Map<Decision, number>()
    for (const decision of acceptedIn(each)) counts.set(decision, (counts.get(decision) ?? 0) + 1)
    learnt.set(key, counts)
  }
  return learnt
}

const decide = (learnt: Learnt, seen: unknown): Decision => {
  const counts = learnt.get(JSON.stringify(seen))
  const [best] = Decision.literals.toSorted((a, b) => (counts?.get(b) ?? 0) - (counts?.get(a) ?? 0))
  return counts === undefined || best === undefined ? "HOLD" : best
}

const rateOf = (asked: ReadonlyArray<Asked>, said: (asked: Asked) => Decision): number =>
  asked.filter((each) => acceptedIn(each).includes(said(each))).length / asked.length

describe("the questions of the agent tests", () => {
  it.live("differ in prices and volumes only, whatever the regime, and the martingale's as well", () =>
    Effect.gen(function* () {
      const bySymbol = Map.groupBy(yield* askedIn([1, 2]), ({ request }) => request.symbol)
      assert.strictEqual(bySymbol.size, 3)
      for (const [symbol, asked] of bySymbol) {
        const kinds = new Set(asked.map(({ request }) => JSON.stringify(blinded(request))))
        assert.strictEqual(kinds.size, 1, symbol)
      }
    })
  )

  it.live("give nothing to who has learnt from sizes, times, names, levels and their order", () =>
    Effect.gen(function* () {
      const seeds = Array.from({ length: 24 }, (_, index) => 300 + index)
      const known = yield* askedIn(seeds.slice(0, 12), isRegime)
      const fresh = yield* askedIn(seeds.slice(12), isRegime)
      const held = rateOf(fresh, () => "HOLD")
      // Always to hold is what can be had without looking; beyond it, chance has three standard errors.
      const chance = held + 3 * Math.sqrt((held * (1 - held)) / (12 * 24))
      const rates = Object.entries(FEATURES).map(([name, feature]) => {
        const learnt = learn(known, feature)
        return [name, rateOf(fresh, (each) => decide(learnt, feature(each)))] as const
      })
      assert.deepStrictEqual(
        rates.filter(([, rate]) => rate > chance),
        [],
        `always HOLD ${held}`
      )
    })
  )

  it.live("are in the report what they are to a policy: one that counts bars holds for ever", () =>
    Effect.gen(function* () {
      const counting: Policy = ({ bars }) => {
        const { length } = bars.close
        const broke = length === 110 && bars.close[length - 1]! > bars.close[length - 11]! ? "BUY" : "SELL"
        return Effect.succeed(opinionOf(length === 110 ? broke : "HOLD", 0.8))
      }
      const { accuracy_by_agent } = yield* runAgentTests({ runs: 3, policy: counting, subjects: ["market_analyst"] })
      assert.closeTo(accuracy_by_agent.market_analyst?.rate ?? 0, 0.5, 1e-9)
    })
  )
})
