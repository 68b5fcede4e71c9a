import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random, Result, Schema } from "effect"
import fc from "fast-check"
import { modelAccess } from "../../actors/agent/model-activity.ts"
import { allActors, quantPolicy } from "../../actors/index.ts"
import type { Attempt, ModelCaller } from "../../actors/model/caller.ts"
import { ModelError } from "../../actors/model/errors.ts"
import { agentProtocol, CoordinatorProtocol, ModelUsage } from "../../protocols/index.ts"
import type { StepRecord } from "../../runtime/index.ts"
import { ask, type Ending, simulate, takeBars } from "../../sim/index.ts"
import { decisionText } from "../support/model-servers/decisions.ts"

const RUNS = 12
const MODEL = "ollama:a"
const PANEL: ReadonlyArray<string> = ["market_analyst", "risk_advisor", "strategy_optimizer"]

/** The ids of the requests that were sent in a run. */
let sent = new Set<string>()
const seen = { lost: 0, answered: 0, fellBack: 0 }

/** A caller without a network: it takes its time, asks for a tool, decides, talks nonsense or fails, all by chance. */
const caller: ModelCaller = {
  ask: (question, { key, begin, ended, deadline }) =>
    Effect.gen(function* () {
      const drawn = yield* Random.nextIntBetween(0, 1_000_000_000)
      const call_id = `${key}.${drawn}`
      const begun = yield* Effect.result(
        begin({ call_id, model: MODEL, estimated_input_tokens: 10, estimated_cost_usd: 0.5 })
      )
      const failed = (kind: "server_error" | "defect" | "out_of_time") =>
        Result.fail(new ModelError({ kind, detail: kind }))
      if (Result.isFailure(begun)) return { result: failed("defect"), attempts: [], breaker: "closed" as const }
      if ((yield* Clock.currentTimeMillis) >= deadline) {
        return { result: failed("out_of_time"), attempts: [], breaker: "closed" as const }
      }
      sent.add(call_id)
      yield* Effect.sleep(yield* Random.nextIntBetween(1, 900))
      const says = (text: string, tool: boolean) =>
        Result.succeed({
          text,
          tools: tool ? [{ id: "t", name: "rsi", input: {} }] : [],
          input_tokens: 10,
          output_tokens: 1
        })
      const chance = drawn % 10
      const result: Attempt["result"] =
        chance === 0
          ? failed("server_error")
          : chance === 1
            ? says("no idea", false)
            : says(decisionText("BUY"), chance < 6 && question.tools.length > 0)
      const attempt: Attempt = { call_id, attempt: 1, elapsedMillis: 1, result, cost: 1 }
      yield* ended(attempt)
      return { result, attempts: [attempt], breaker: "closed" as const }
    })
}

const prompts = { instructions: () => "", answer: "", repair: (fault: string) => fault }
const models = modelAccess({ modelOf: () => MODEL, budgetMillis: 3_000, roundMillis: 15_000 }, caller, prompts)
const actors = allActors({ policy: quantPolicy, agent: { models }, roundTimeoutMillis: 6_000 })
const agents = actors.filter(({ type }) => PANEL.includes(type))

const Agent = Schema.Struct({
  requests: Schema.Array(Schema.Unknown),
  accounts: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ usage: ModelUsage })))
})
const decodeAgent = Schema.decodeUnknownSync(Agent)
const decodeCall = Schema.decodeUnknownSync(Schema.Struct({ call: Schema.Struct({ call_id: Schema.String }) }))
const decodeTurn = Schema.decodeUnknownSync(Schema.Struct({ activity: Schema.String }))

const eventsOf = (steps: ReadonlyArray<StepRecord>, tag: string) =>
  steps.flatMap(({ events = [] }) => events.filter((event) => event._tag === tag).map(({ data }) => data))

const everyAgent = (ending: Ending, holds: (state: typeof Agent.Type, steps: ReadonlyArray<StepRecord>) => boolean) =>
  agents.every((actor) =>
    [...ending.states(actor)].every(([id, state]) => holds(decodeAgent(state), ending.journals(actor).get(id) ?? []))
  )

describe("conversations with models under every fault", () => {
  it("end, ask for no turn that was answered, and account for every request that was sent, once", () => {
    const bars = takeBars({ seed: 1, symbol: "ACME", startTime: 1_600_000_000_000 }, 60)
    const window = {
      time: bars.map(({ time }) => time),
      open: bars.map(({ open }) => open),
      high: bars.map(({ high }) => high),
      low: bars.map(({ low }) => low),
      close: bars.map(({ close }) => close),
      volume: bars.map(({ volume }) => volume)
    }
    const round = fc.nat(3).map((digit) => String(digit).padStart(26, "0"))
    simulate({
      actors,
      commands: fc.oneof(
        {
          weight: 4,
          arbitrary: fc
            .nat(9)
            .map((n) => ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: `c${n}`, bars: window }))
        },
        {
          weight: 1,
          arbitrary: fc
            .nat(9)
            .map((n) => ask(CoordinatorProtocol, "ACME", "CancelAnalysis", { correlation_id: `c${n}`, reason: "" }))
        },
        { weight: 1, arbitrary: round.map(() => ask(agentProtocol("market_analyst"), "ACME", "GetStatus", {})) }
      ),
      laws: {
        "no request is left open": (ending) => everyAgent(ending, ({ requests }) => requests.length === 0),
        "a turn is answered once": (ending) =>
          everyAgent(ending, (_, steps) => {
            const turns = eventsOf(steps, "ModelAnswered").map((data) => decodeTurn(data).activity)
            seen.answered += turns.length
            seen.fellBack += eventsOf(steps, "FellBack").length
            return new Set(turns).size === turns.length
          }),
        "every request that was sent is in an account, once": (ending) => {
          const known = new Set<string>()
          const exact = everyAgent(ending, ({ accounts = {} }, steps) => {
            const ids = eventsOf(steps, "ModelCallBegun").map((data) => decodeCall(data).call.call_id)
            for (const id of ids) known.add(id)
            const usage = accounts[MODEL]?.usage
            seen.lost += usage?.lost_calls ?? 0
            return (usage?.calls ?? 0) === new Set(ids).size && ids.length >= new Set(ids).size
          })
          const missing = [...sent].filter((id) => !known.has(id))
          sent = new Set()
          return (exact && missing.length === 0) || `${missing.length} missing`
        }
      },
      runs: RUNS,
      commandsMax: 8
    })
    assert.isAbove(seen.answered, 10)
    assert.isAbove(seen.lost, 0, "some nodes died in a call")
    assert.isAbove(seen.fellBack, 2)
  })
})
