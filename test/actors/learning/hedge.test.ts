import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  type HedgeOptions,
  hedgeStep,
  INITIAL_LOG_WEIGHT,
  regretBound,
  switchingBound,
  weightShares
} from "../../../actors/learning/hedge.ts"
import { fraction } from "../../support/fractions.ts"

const ROUNDING = 1e-9

const loss = fraction()
const rate = fraction(0.01, 10)
const sharing = fraction(0.001, 0.9)

/** Losses per round and agent; null where the agent sleeps. */
type Table = ReadonlyArray<ReadonlyArray<number | null>>

const tables = (each: fc.Arbitrary<number | null>, rounds = 60): fc.Arbitrary<Table> =>
  fc
    .integer({ min: 1, max: 6 })
    .chain((agents) =>
      fc.array(fc.array(each, { minLength: agents, maxLength: agents }), { minLength: 1, maxLength: rounds })
    )

/** Follows the weights through a table. Says of each agent what it lost, and what following lost while it was awake. */
const follow = (table: Table, options: HedgeOptions) => {
  const agents = table[0]!.length
  const logWeights = Array.from({ length: agents }, () => INITIAL_LOG_WEIGHT)
  const own = logWeights.map(() => 0)
  const followed = logWeights.map(() => 0)
  const awakeRounds = logWeights.map(() => 0)
  let total = 0
  for (const row of table) {
    const awake = row.flatMap((each, agent) =>
      each === null ? [] : [{ agent, loss: each, logWeight: logWeights[agent]! }]
    )
    const step = hedgeStep(awake, options)
    total += step.loss
    for (const [index, { agent, loss }] of awake.entries()) {
      logWeights[agent] = step.logWeights[index]!
      own[agent]! += loss
      followed[agent]! += step.loss
      awakeRounds[agent]! += 1
    }
  }
  return { total, own, followed, awakeRounds, logWeights, shares: weightShares(logWeights) }
}

const everybody = tables(loss)
const sleepy = tables(fc.option(loss, { freq: 3 }))

/** An adversary's table: whoever has the most weight loses. Random losses hardly come near a bound. */
const adversary = (agents: number, rounds: number, options: HedgeOptions): Table => {
  const table: Array<ReadonlyArray<number>> = []
  let logWeights: ReadonlyArray<number> = Array.from({ length: agents }, () => INITIAL_LOG_WEIGHT)
  for (let round = 0; round < rounds; round++) {
    const heaviest = logWeights.indexOf(Math.max(...logWeights))
    const row = logWeights.map((_, agent) => (agent === heaviest ? 1 : 0))
    logWeights = hedgeStep(
      row.map((each, agent) => ({ loss: each, logWeight: logWeights[agent]! })),
      options
    ).logWeights
    table.push(row)
  }
  return table
}

describe("the weights of Hedge", () => {
  it("are above 0 and add up to 1, whoever sleeps and however long", () => {
    fc.assert(
      fc.property(sleepy, rate, fc.oneof(fc.constant(0), sharing), (table, learningRate, share) => {
        const { shares, logWeights } = follow(table, { learningRate, share })
        assert.isTrue(shares.every((weight) => weight > 0))
        assert.closeTo(
          shares.reduce((sum, weight) => sum + weight, 0),
          1,
          ROUNDING
        )
        const mean = logWeights.reduce((sum, each) => sum + Math.exp(each), 0) / logWeights.length
        assert.closeTo(mean, 1, ROUNDING, "who is not known yet weighs as much as the mean")
      })
    )
    const { shares } = follow(
      Array.from({ length: 20_000 }, () => [0, 1]),
      { learningRate: 1, share: 0 }
    )
    assert.isTrue(shares.every((weight) => weight > 0))
  })

  it("are those of the rule, written down a second time with plain weights", () => {
    fc.assert(
      fc.property(sleepy, fraction(0.01, 2), sharing, (table, learningRate, share) => {
        let weights: ReadonlyArray<number> = table[0]!.map(() => 1)
        for (const row of table) {
          const awake = (agent: number) => row[agent] !== null
          const total = weights.reduce((sum, weight, agent) => (awake(agent) ? sum + weight : sum), 0)
          const count = row.filter((each) => each !== null).length
          const lowered = weights.map((weight, agent) => weight * Math.exp(-learningRate * (row[agent] ?? 0)))
          const left = lowered.reduce((sum, weight, agent) => (awake(agent) ? sum + weight : sum), 0)
          weights = weights.map((weight, agent) =>
            awake(agent) ? (1 - share) * (lowered[agent]! / left) * total + (share * total) / count : weight
          )
        }
        const { shares } = follow(table, { learningRate, share })
        for (const [agent, weight] of weights.entries()) assert.closeTo(shares[agent]!, weight / weights.length, 1e-9)
      })
    )
  })

  it("go with the agents, in whatever order they stand", () => {
    const permuted = sleepy.chain((table) =>
      fc.record({
        table: fc.constant(table),
        order: fc.shuffledSubarray([...table[0]!.keys()], { minLength: table[0]!.length })
      })
    )
    fc.assert(
      fc.property(permuted, rate, sharing, ({ table, order }, learningRate, share) => {
        const straight = follow(table, { learningRate, share })
        const turned = follow(
          table.map((row) => order.map((agent) => row[agent]!)),
          { learningRate, share }
        )
        for (const [place, agent] of order.entries())
          assert.closeTo(turned.shares[place]!, straight.shares[agent]!, ROUNDING)
        assert.closeTo(turned.total, straight.total, ROUNDING)
      })
    )
  })

  it("do not change by what all lose alike, nor by losses and rate scaled against each other", () => {
    fc.assert(
      fc.property(tables(fraction(0, 0.5)), rate, sharing, (table, learningRate, share) => {
        const { shares } = follow(table, { learningRate, share })
        const shifted = follow(
          table.map((row) => row.map((each) => each! + 0.25)),
          { learningRate, share }
        )
        const scaled = follow(
          table.map((row) => row.map((each) => each! * 2)),
          { learningRate: learningRate / 2, share }
        )
        for (const [agent, weight] of shares.entries()) {
          assert.closeTo(shifted.shares[agent]!, weight, 1e-7)
          assert.closeTo(scaled.shares[agent]!, weight, 1e-7)
        }
      })
    )
  })

  it("are greater for the agent that always loses less", () => {
    fc.assert(
      fc.property(tables(fraction(0.1, 1)), rate, sharing, (table, learningRate, share) => {
        const better = table.map((row) => [row[0]! - 0.1, ...row])
        const { shares } = follow(better, { learningRate: Math.min(2, learningRate), share })
        assert.isAbove(shares[0]!, shares[1]!)
      })
    )
  })

  it("of who sleeps stay as they are", () => {
    const { logWeights } = follow(
      [
        [0.2, 0.9, null],
        [0.1, 0.8, null]
      ],
      { learningRate: 1, share: 0.1 }
    )
    assert.strictEqual(logWeights[2], INITIAL_LOG_WEIGHT)
    assert.deepStrictEqual(hedgeStep([], { learningRate: 1, share: 0.1 }), { loss: 0, logWeights: [] })
  })
})

describe("the regret of Hedge", () => {
  it("is within the theorem's bound without sharing, for every agent over the rounds it was awake in", () => {
    fc.assert(
      fc.property(sleepy, rate, (table, learningRate) => {
        const options = { learningRate, share: 0 }
        const { own, followed, awakeRounds } = follow(table, options)
        for (const [agent, rounds] of awakeRounds.entries()) {
          assert.isAtMost(followed[agent]! - own[agent]!, regretBound(own.length, rounds, options) + ROUNDING)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("is within the bound with sharing", () => {
    fc.assert(
      fc.property(sleepy, rate, sharing, (table, learningRate, share) => {
        const options = { learningRate, share }
        const { own, followed, awakeRounds } = follow(table, options)
        for (const [agent, rounds] of awakeRounds.entries()) {
          assert.isAtMost(followed[agent]! - own[agent]!, regretBound(own.length, rounds, options) + ROUNDING)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("is within the bound against every sequence of agents that changes k times", () => {
    fc.assert(
      fc.property(everybody, rate, sharing, (table, learningRate, share) => {
        const options = { learningRate, share }
        const { total } = follow(table, options)
        const best = bestBySwitches(table, 4)
        for (const [switches, least] of best.entries()) {
          const bound = switchingBound(table[0]!.length, table.length, switches, options)
          assert.isAtMost(total - least, bound + ROUNDING)
        }
      }),
      { numRuns: 500 }
    )
  })

  it("comes near the bound against an adversary, so that a bound somewhat smaller would not hold", () => {
    const rounds = 200
    const options = { learningRate: Math.sqrt((8 * Math.log(2)) / rounds), share: 0 }
    const { own, total } = follow(adversary(2, rounds, options), options)
    const regret = total - Math.min(...own)
    const bound = regretBound(2, rounds, options)
    assert.isAtMost(regret, bound)
    assert.isAbove(regret, bound / 3)
  })

  it("stays small where the best agent changes, which is what sharing is for", () => {
    const table = Array.from({ length: 400 }, (_, round) => (Math.floor(round / 100) % 2 === 0 ? [0, 1] : [1, 0]))
    const [sharingTotal, plainTotal] = [0.01, 0].map((share) => follow(table, { learningRate: 0.5, share }).total)
    assert.isBelow(sharingTotal!, 60)
    assert.isAbove(plainTotal!, 150)
  })
})

/** The least that a sequence of agents with at most so many changes loses, by dynamic programming. */
const bestBySwitches = (table: Table, most: number): ReadonlyArray<number> => {
  const agents = table[0]!.length
  let least: Array<ReadonlyArray<number>> = Array.from({ length: most + 1 }, () => Array(agents).fill(0))
  for (const [round, row] of table.entries()) {
    least = least.map((byAgent, switches) =>
      byAgent.map((stay, agent) => {
        const change = switches === 0 || round === 0 ? Infinity : Math.min(...least[switches - 1]!)
        return Math.min(stay, change) + row[agent]!
      })
    )
  }
  return least.slice(0, Math.min(most + 1, table.length)).map((byAgent) => Math.min(...byAgent))
}
