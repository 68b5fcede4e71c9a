// An agent that asks a model, where the test says what the model answers.
import { Effect, Schema } from "effect"
import { agentActor } from "../../actors/agent/agent.ts"
import type { AskOutcome, ModelAccess } from "../../actors/agent/model-activity.ts"
import { AskInput } from "../../actors/agent/model-conversation.ts"
import {
  AgentReport,
  agentProtocol,
  ConsensusProtocol,
  type ModelErrorKind,
  type OpinionRequest,
  toWindow
} from "../../protocols/index.ts"
import { define } from "../../runtime/actor.ts"
import { persist } from "../../runtime/step.ts"
import { dailyBars, opinionOf } from "./bars.ts"
import { Decider } from "./decider.ts"

export const protocol = agentProtocol("market_analyst")
export const AGENT = "market_analyst/ACME"
export const MODEL = "ollama:a"
export const ROUND = "01HNZX8JGFACFA36RBXDHE0001"
export const OTHER = "01HNZX8JGFACFA36RBXDHE0002"
const bars = toWindow(dailyBars(Array.from({ length: 60 }, (_, index) => 100 + Math.sin(index))))

const ballotBox = define({
  protocol: {
    ...ConsensusProtocol,
    messages: { CastVote: { payload: Schema.Unknown }, Abstain: { payload: Schema.Unknown } }
  },
  state: Schema.Array(Schema.Unknown),
  initial: () => [],
  events: { Heard: { word: Schema.Unknown } },
  decide: {
    CastVote: (_, word) => [persist({ _tag: "Heard", word } as const)],
    Abstain: (_, word) => [persist({ _tag: "Heard", word } as const)]
  },
  evolve: { Heard: (words, { word }) => [...words, word] }
})

/** An agent that asks a model; what the model says is the test's own. */
export const world = (model = MODEL, known: Pick<ModelAccess, "refusesTools"> = {}) => {
  const models: ModelAccess = {
    modelOf: () => model,
    budgetMillis: 12_000,
    roundMillis: 15_000,
    ask: () => Effect.die("the test answers"),
    ...known
  }
  const rules = () => Effect.succeed(opinionOf("HOLD", 0.5))
  const decider = new Decider([agentActor("market_analyst", rules, { models }), ballotBox])
  const analyze = (more: Partial<OpinionRequest> = {}) =>
    decider.ask(protocol, "ACME", "Analyze", {
      ...{ consensus_id: ROUND, correlation_id: "c1", symbol: "ACME", bars },
      ...more
    })
  const begin = (turn: number, id: string, round = ROUND) =>
    decider.ask(protocol, "ACME", "ModelCallBegan", {
      consensus_id: round,
      activity: `${round}.m${turn}`,
      call: { call_id: id, model, estimated_input_tokens: 1_000, estimated_cost_usd: 0.001 }
    })
  const input = (turn: number | string) => decodeInput(decider.activities.get(`${AGENT}#${ROUND}.m${turn}`)?.input)
  const answer = (turn: number, outcome: Partial<AskOutcome>) =>
    decider.succeed(AGENT, `${ROUND}.m${turn}`, { receipts: [], breaker: "closed", ...outcome })
  /** The model says something for a cent a turn. */
  const say = (turn: number, text: string, tools: ReadonlyArray<{ name: string; input: unknown }> = []) => {
    begin(turn, `call-${turn}`)
    answer(turn, { turn: turnOf(text, tools), receipts: [receipt(`call-${turn}`)] })
  }
  const fail = (turn: number, kind: ModelErrorKind) => answer(turn, { error: { kind, detail: `it is ${kind}` } })
  /** The model takes no tools; it is asked without them from then on. */
  const refuseTools = (turn: number) => {
    begin(turn, `call-${turn}`)
    const error = { kind: "rejected", detail: "it does not support tools", refuses_tools: true } as const
    const nothing = { input_tokens: null, output_tokens: null, cost_usd: 0 }
    answer(turn, { error, receipts: [receipt(`call-${turn}`, nothing)] })
  }
  const decide = (key: string, text: string) =>
    decider.succeed(AGENT, `${ROUND}.${key}`, { receipts: [], breaker: "closed", turn: turnOf(text) })
  const decisions = () => decider.seen("decision.ACME.market_analyst").map((data) => decodeDecision(data))
  const words = () => decider.state(`consensus/${ROUND}`) ?? []
  const report = () => decodeReport(decider.ask(protocol, "ACME", "GetStatus", {})?.body)
  const open = () => [...decider.activities.keys()].map((key) => key.slice(`${AGENT}#${ROUND}`.length))
  return { decider, analyze, begin, answer, say, fail, refuseTools, decide, input, decisions, words, report, open }
}

const decodeInput = Schema.decodeUnknownSync(AskInput)
const decodeReport = Schema.decodeUnknownSync(AgentReport)
const decodeDecision = Schema.decodeUnknownSync(
  Schema.Struct({
    decision: Schema.String,
    reasoning: Schema.String,
    tool_calls: Schema.Array(Schema.Struct({ execution_id: Schema.String, status: Schema.String })),
    metadata: Schema.Record(Schema.String, Schema.Unknown)
  })
)
export const turnOf = (text: string, tools: ReadonlyArray<{ name: string; input: unknown }> = []) => ({
  text,
  tools: tools.map((tool, index) => ({ id: `t${index}`, ...tool })),
  input_tokens: 1_000,
  output_tokens: 100
})
export const receipt = (call_id: string, more: object = {}) => ({
  ...{ call_id, input_tokens: 1_000, output_tokens: 100, cost_usd: 0.01, lost: false },
  ...more
})
export const usage = (calls: number, more: object = {}) => ({
  ...{ calls, lost_calls: 0, input_tokens: 1_000 * calls, output_tokens: 100 * calls },
  ...{ cost_usd: 0.01 * calls, estimated_lost_cost_usd: 0 },
  ...more
})
export const RSI = { name: "rsi", input: { period: 14 } }
