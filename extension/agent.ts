// An agent of one's own, as people write it down, and as its actors take it.
import { Clock, type Duration, Effect, Schema, SchemaIssue } from "effect"
import {
  type AgentDefinition,
  type AnyTool,
  PolicyError,
  type PolicyRequest,
  type Tool,
  useTool
} from "../actors/index.ts"
import {
  type BarWindow,
  type ContextItems,
  Decision,
  DecisionConfidence,
  type MarketSymbol,
  type ModelName,
  type Opinion,
  type PastDecision,
  Probabilities,
  type ToolCall
} from "../protocols/index.ts"
import { omitUndefined } from "../runtime/index.ts"

/** What an agent is asked. */
export interface AgentQuestion {
  readonly symbol: MarketSymbol
  /** All that it may know of the market: columns `time` (milliseconds since 1970), `open`, `high`, `low`, `close`, `volume`, oldest first. */
  readonly bars: BarWindow
  /** The latest joint decisions on the symbol, oldest first. */
  readonly past: ReadonlyArray<PastDecision>
  /** News and sentiment that came with the request. */
  readonly context: ContextItems
  /**
   * Uses a tool of the agent's list, and records it: with the decision, and in the tool's feedback. Nothing where there are too few bars,
   * the tool failed, or it is left alone because it failed too often. Throws where the tool is not among the agent's.
   */
  readonly use: <P, R>(tool: Tool<P, R>, parameters?: Partial<P>) => R | undefined
  /** Aborted where nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** What an agent answers. */
export interface AgentAnswer<Output = unknown> {
  readonly decision: typeof Decision.Type
  /** How likely the decision is to turn out right, 0 to 1. */
  readonly confidence: number
  /** What it believes of each decision, together 1; the rest of the confidence in equal parts unless given. */
  readonly probabilities?: typeof Probabilities.Type
  readonly reasoning?: string
  /** As `output` of the agent's definition says; stands in the decision's metadata. */
  readonly output?: Output
}

/** An agent of one's own. */
export interface Agent<Output = unknown> {
  /** Its type: a name in snake_case that no other agent or actor has. */
  readonly type: string
  /**
   * How it comes to its answers: by itself at once, or by waiting for the world. It runs at least once per request, so it must be safe to
   * run again. What it throws is tried again twice; then it abstains.
   */
  readonly policy: (question: AgentQuestion) => AgentAnswer<Output> | Promise<AgentAnswer<Output>>
  /** The tools that it may use; none unless given. */
  readonly tools?: ReadonlyArray<AnyTool>
  /** Its instructions to a language model, for where one is configured for it; the policy is what it falls back on. */
  readonly prompt?: string
  /** The language model that it asks, such as `ollama:llama3.1`, or `quant` for its policy; what the environment says unless given. */
  readonly model?: ModelName | "quant"
  /** What its answers hold beside the decision; nothing unless given. */
  readonly output?: Schema.Codec<Output, unknown>
  /** How long one attempt of the policy may take; 10 seconds unless given. */
  readonly timeout?: Duration.Input
}

/** An agent of one's own, with its types checked. Its rules are checked where the configuration is read. */
export const defineAgent = <Output = never>(agent: Agent<Output>): Agent<Output> => agent

/** An own agent as the nodes run it. */
export interface OwnAgent extends AgentDefinition {
  readonly prompt?: string
  readonly model?: ModelName | "quant"
  /** Whether its policy has ever answered with a promise. In virtual time nobody can wait for one. */
  readonly waits: () => boolean
}

/** The agent as its actors take it. */
export const toDefinition = (agent: Agent): OwnAgent => {
  const { type, tools = [], timeout, prompt, model } = agent
  let waits = false
  return {
    ...{ type, tools, waits: () => waits },
    ...omitUndefined({ timeout, prompt, model }),
    policy: (request) =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        const calls: Array<ToolCall> = []
        const aborting = new AbortController()
        const use = usingTools(agent, request, calls, () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
        const { symbol, bars, past = [], context = [] } = request
        const given = yield* Effect.try({
          try: () => agent.policy({ symbol, bars, past, context, use, signal: aborting.signal }),
          catch: failed(type)
        })
        if (!isPromise(given)) return yield* opinionOf(agent, given, calls)
        waits = true
        const answer = yield* Effect.tryPromise({ try: () => given, catch: failed(type) }).pipe(
          Effect.onInterrupt(() => Effect.sync(() => aborting.abort()))
        )
        return yield* opinionOf(agent, answer, calls)
      })
  }
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

const failed = (type: string) => (cause: unknown) =>
  new PolicyError({ detail: `${type}: ${cause instanceof Error ? cause.message : String(cause)}` })

const usingTools =
  (
    { type, tools = [] }: Agent,
    { bars, past = [], consensusId, unavailable = new Set() }: PolicyRequest,
    calls: Array<ToolCall>,
    now: () => number
  ): AgentQuestion["use"] =>
  (tool, parameters = {}) => {
    if (!tools.includes(tool)) throw new Error(`${tool.name} is not among the tools of ${type}`)
    const executionId = `${consensusId}.${type}.${tool.name}.${calls.length + 1}`
    if (unavailable.has(tool.name)) {
      calls.push(leftAlone(tool.name, executionId))
      return undefined
    }
    const call = useTool(tool, parameters, { bars, past }, { executionId, now })
    calls.push(call)
    return call.status === "success" ? Schema.decodeUnknownSync(Schema.toType(tool.result))(call.result) : undefined
  }

const leftAlone = (tool_name: string, execution_id: string): ToolCall => ({
  ...{ tool_name, execution_id, status: "failed", execution_time_ms: 0, result: null, error_kind: "unavailable" },
  error_message: `${tool_name} is not used at present: it failed too often lately`
})

const Answer = Schema.Struct({
  decision: Decision,
  confidence: DecisionConfidence,
  probabilities: Schema.optionalKey(Probabilities),
  reasoning: Schema.optionalKey(Schema.String),
  output: Schema.optionalKey(Schema.Unknown)
})
const decodeAnswer = Schema.decodeUnknownEffect(Answer, { onExcessProperty: "error" })
const format = SchemaIssue.makeFormatterStandardSchemaV1()

const opinionOf = (agent: Agent, given: unknown, calls: ReadonlyArray<ToolCall>): Effect.Effect<Opinion, PolicyError> =>
  Effect.gen(function* () {
    const answer = yield* decodeAnswer(given).pipe(Effect.mapError((error) => faultOf(agent.type, "its answer", error)))
    const { decision, confidence, probabilities = spread(decision, confidence), reasoning = "" } = answer
    const output = yield* outputOf(agent, answer.output)
    const metadata = omitUndefined({ policy: agent.type, output })
    return { decision, confidence, probabilities, reasoning, tool_calls: calls, metadata }
  })

const outputOf = ({ type, output }: Agent, given: unknown): Effect.Effect<unknown, PolicyError> => {
  if (output !== undefined) {
    return Schema.encodeUnknownEffect(output)(given).pipe(
      Effect.mapError((error) => faultOf(type, "its output", error))
    )
  }
  if (given === undefined) return Effect.succeed(undefined)
  return new PolicyError({ detail: `${type}: its answer has an output, of which its definition has no schema` })
}

const faultOf = (type: string, what: string, { issue }: Schema.SchemaError): PolicyError => {
  const [first] = format(issue).issues
  const path = (first?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")
  return new PolicyError({
    detail: `${type}: ${what}${path === "" ? "" : `, ${path}`}: ${first?.message ?? "is not valid"}`
  })
}

const spread = (decision: typeof Decision.Type, confidence: number): typeof Probabilities.Type => {
  const rest = (1 - confidence) / 2
  return { BUY: rest, SELL: rest, HOLD: rest, [decision]: confidence }
}
