import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Policy } from "../../actors/index.ts"
import { agentTestPage } from "../../cli/evaluate/agent-page.ts"
import { agentTestText } from "../../cli/evaluate/agent-text.ts"
import { type AgentTestReport, agentTestReport } from "../../evaluation/agent-report.ts"
import { runAgentTests } from "../../evaluation/agent-tests.ts"
import { acceptedOf, SUBJECTS } from "../../evaluation/expectations.ts"
import { REGIMES } from "../../sim/index.ts"
import { opinionOf } from "../support/bars.ts"

const saying =
  (decision: "BUY" | "SELL" | "HOLD", confidence = 0.8): Policy =>
  () =>
    Effect.succeed(opinionOf(decision, confidence))

/** All but the times, which are real. */
const decidedIn = ({ response_times: _, ...rest }: AgentTestReport) => JSON.stringify(rest)

describe("what is expected", () => {
  it("never accepts everything, and something always", () => {
    for (const regime of REGIMES) {
      for (const subject of SUBJECTS) {
        for (const distance of [-3, -1, -0.5, 0, 0.5, 1, 3]) {
          const accepted = acceptedOf(regime, subject, distance)
          assert.isTrue(accepted.length >= 1 && accepted.length <= 2, `${regime} ${subject}`)
        }
      }
    }
    assert.deepStrictEqual(acceptedOf("mean_reversion", "joint", -2), ["BUY", "HOLD"])
    assert.deepStrictEqual(acceptedOf("mean_reversion", "joint", 0), ["HOLD"])
  })
})

describe("the agent tests", () => {
  it.live("pass the quant rules nine times in ten over fresh seeds, and find no foresight on the martingale", () =>
    Effect.gen(function* () {
      const seed = 50_000
      const report = yield* runAgentTests({ runs: 6, seed })
      const { overall_success_rate, traders, seeds, beside, martingale_is_chance } = report.executive_summary
      assert.isAtLeast(overall_success_rate, 0.9, JSON.stringify(report.accuracy_by_regime))
      assert.isAbove(traders?.rate ?? 0, 0.8)
      assert.isBelow(beside.coin, 0.5)
      assert.isBelow(beside.always_hold, 0.7)
      assert.closeTo(seeds.mean, overall_success_rate, 1e-9)
      assert.isTrue(martingale_is_chance, JSON.stringify(report.martingale))
      assert.match(agentTestText(report), /overall_success_rate 9\d\.\d%/)
    })
  )

  it.live("are told without those for whom waiting is always right, and beside simple rules on the same bars", () =>
    Effect.gen(function* () {
      const report = yield* runAgentTests({ runs: 2, policy: saying("HOLD") })
      const { traders, beside } = report.executive_summary
      assert.deepStrictEqual(traders?.subjects, ["market_analyst", "strategy_optimizer", "comprehensive", "joint"])
      assert.strictEqual(traders?.count, 2 * 3 * REGIMES.length * 4)
      assert.deepStrictEqual([traders?.rate, traders?.beside.always_hold, beside.always_hold], [0.5, 0.5, 2 / 3])
      assert.isBelow(traders?.beside.coin ?? 1, 0.45)
      assert.strictEqual(traders?.beside.regime_known, 1)
      // Who always trades is wrong wherever nothing goes anywhere, and who also waits is not.
      const { sideways, trending_bullish } = report.traders_by_regime
      assert.isBelow(sideways?.momentum ?? 1, 0.5)
      assert.isAbove(trending_bullish?.momentum ?? 0, 0.5)
      assert.isAbove(traders?.beside.two_moves ?? 0, traders?.beside.momentum ?? 1)
      assert.isAbove(sideways?.mean_reversion ?? 0, trending_bullish?.mean_reversion ?? 1)
      assert.match(report.executive_summary.verdict, /fall short/)
      const text = agentTestText(report)
      assert.match(text, /^traders 50\.0% .* always HOLD 50%\.$/m)
      assert.match(text, /^all +50% +\d\d% +50% .* 100%$/m)
      assert.include(agentTestPage(report), "Beside simple rules")
      const [bin, ...others] = report.accuracy_by_strength
      assert.deepStrictEqual([others, bin?.count], [[], report.executive_summary.checks])
      assert.isTrue(bin !== undefined && bin.from <= bin.mean_strength && bin.mean_strength <= bin.to)
      assert.include(agentTestPage(report), "how strong")
      assert.notInclude(agentTestPage(report), "how sure")
    })
  )

  it.live("do not pass who only waits because nobody was asked who should act", () =>
    Effect.gen(function* () {
      const subjects = ["risk_advisor", "performance_coach"] as const
      const report = yield* runAgentTests({ runs: 1, policy: saying("HOLD"), subjects })
      assert.isNull(report.executive_summary.traders)
      assert.strictEqual(report.executive_summary.overall_success_rate, 1)
      assert.match(agentTestText(report), /HOLD is right in every kind of market: what they have says little/)
    })
  )

  it.live("give the same for the same seed", () =>
    Effect.gen(function* () {
      const options = { runs: 1, seed: 9, regimes: ["sideways", "breakout_bearish"] } as const
      assert.strictEqual(decidedIn(yield* runAgentTests(options)), decidedIn(yield* runAgentTests(options)))
    })
  )

  it.live("fail who always says the same, and who is not sure", () =>
    Effect.gen(function* () {
      const rate = (policy: Policy) =>
        Effect.map(
          runAgentTests({ runs: 1, policy }),
          ({ executive_summary }) => executive_summary.overall_success_rate
        )
      const held = yield* rate(saying("HOLD"))
      assert.closeTo(held, 2 / 3, 1e-9)
      assert.isBelow(yield* rate(saying("BUY")), 0.4)
      assert.isBelow(yield* rate(saying("SELL")), 0.45)
      assert.strictEqual(yield* rate(saying("HOLD", 0.35)), 0)
    })
  )

  it.live("say who is silent, and why it was", () =>
    Effect.gen(function* () {
      const broken: Policy = () => Effect.die(new Error("broken"))
      const report = yield* runAgentTests({ runs: 1, policy: broken, subjects: ["market_analyst"] })
      assert.strictEqual(report.executive_summary.overall_success_rate, 0)
      assert.strictEqual(report.common_failures[0]?.fault, "silent")
      assert.match(report.recommendations.join(), /did not answer/)
    })
  )

  it("notice foresight, and let nobody pass for a prophet by luck", () => {
    const verdict = (hits: number) => {
      const guesses = Array.from({ length: 60 }, (_, index) => ({ subject: "joint", hit: index < hits }) as const)
      const report = agentTestReport({ seeds: [1], regimes: [], subjects: ["joint"], checks: [], guesses })
      return [report.executive_summary.martingale_is_chance, report.recommendations.join().includes("leaks")]
    }
    assert.deepStrictEqual(verdict(30), [true, false])
    assert.deepStrictEqual(verdict(38), [true, false])
    assert.deepStrictEqual(verdict(42), [false, true])
    assert.deepStrictEqual(verdict(18), [false, true])
  })

  it.live("are a page that escapes what it shows, and the JSON that programs read", () =>
    Effect.gen(function* () {
      const report = yield* runAgentTests({ runs: 1, regimes: ["sideways"] })
      const marked = { ...report, recommendations: ['<script>alert("x")</script> & more'] }
      const page = agentTestPage(marked)
      assert.include(page, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more")
      assert.notInclude(page, "<script>alert")
      const Summary = Schema.Struct({ executive_summary: Schema.Struct({ overall_success_rate: Schema.Finite }) })
      Schema.decodeUnknownSync(Summary)(JSON.parse(JSON.stringify(report)))
    })
  )
})
