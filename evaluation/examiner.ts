// Puts a question to all agents and the panel, through the actors.
import { type Clock, Effect, Schema } from "effect"
import { type AgentDefinition, allActors, PANEL, type Policy } from "../actors/index.ts"
import {
  AgentType,
  AnalysisResult,
  agentProtocol,
  ConsensusId,
  CoordinatorProtocol,
  Decision,
  HOUSE_TYPES,
  Strengths
} from "../protocols/index.ts"
import { DirectHost, type PublishedEvent } from "../sim/index.ts"
import type { Subject } from "./expectations.ts"
import type { Scenario } from "./scenarios.ts"

/** What somebody answered; nothing where they abstained. */
export interface ExaminedAnswer {
  readonly subject: Subject
  readonly decision: Decision
  readonly confidence: number
  /** How strongly its rules speak for it; its confidence where it has none. */
  readonly strength: number
  /** Which kind of market the agent took it for, where it says so. */
  readonly named: string | undefined
  /** How long the answer took, in milliseconds of real time. */
  readonly millis: number
}

/** Asks everybody the same. */
export type Examine = (scenario: Scenario) => ReadonlyArray<ExaminedAnswer>

const Decided = Schema.Struct({
  agent_type: AgentType,
  decision: Decision,
  confidence: Schema.Finite,
  strengths: Schema.optionalKey(Strengths),
  tool_calls: Schema.Array(Schema.Struct({ tool_name: Schema.String, result: Schema.Unknown }))
})
const decodeDecided = Schema.decodeUnknownSync(Decided)
const decodeAnalysis = Schema.decodeUnknownSync(AnalysisResult)
const Named = Schema.Struct({ regime: Schema.String })
const isNamed = Schema.is(Named)

/** A round that was never opened: those beside the panel vote into it, and nobody counts. */
const NO_ROUND = ConsensusId.make("0".repeat(26))

/** Agents of all types, with others beside them, and a coordinator with the usual panel, in virtual time. */
export const makeExaminer = (policy: Policy, clock: Clock.Clock, own: ReadonlyArray<AgentDefinition> = []): Examine => {
  const millis = new Map<AgentType, number>()
  const timed =
    (by: Policy): Policy =>
    (request) =>
      Effect.suspend(() => {
        const startedAt = clock.monotonicTimeNanosUnsafe()
        return Effect.tap(by(request), () => Effect.sync(() => millis.set(request.agentType, since(clock, startedAt))))
      })
  let heard: Array<ExaminedAnswer> = []
  const hear = ({ type, data }: PublishedEvent) => {
    if (type !== "agent_decision") return
    const { agent_type, decision, confidence, strengths, tool_calls } = decodeDecided(data)
    const found = tool_calls.find(({ tool_name }) => tool_name === "regime")?.result
    const named = isNamed(found) ? found.regime : undefined
    const strength = strengths?.[decision] ?? confidence
    heard.push({ subject: agent_type, decision, confidence, strength, named, millis: millis.get(agent_type) ?? 0 })
  }
  const agents = own.map((each) => ({ ...each, policy: timed(each.policy) }))
  const types = [...HOUSE_TYPES, ...own.map(({ type }) => type)]
  const others = types.filter((type) => !PANEL.some((member) => member === type))
  const actors = allActors({ policy: timed(policy), agents })
  return ({ symbol, bars }) => {
    heard = []
    const host = new DirectHost({ actors, startTime: bars.time.at(-1) ?? 0, hear })
    const startedAt = clock.monotonicTimeNanosUnsafe()
    const answer = host.ask(CoordinatorProtocol, symbol, "Analyze", { correlation_id: "test", bars })
    const joint = since(clock, startedAt)
    for (const type of others) {
      host.tell(agentProtocol(type), symbol, "Analyze", {
        ...{ consensus_id: NO_ROUND, correlation_id: "test", symbol, bars }
      })
    }
    if (answer?.outcome !== "ok") return heard
    const { final_recommendation, confidence, strength = confidence } = decodeAnalysis(answer.body)
    const named = heard[0]?.named
    return [...heard, { subject: "joint", decision: final_recommendation, confidence, strength, named, millis: joint }]
  }
}

const since = (clock: Clock.Clock, startedAt: bigint): number =>
  Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6
