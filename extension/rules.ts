// The rules of a configuration. What is read may be anything: whoever writes JavaScript has no types.
import { Duration, Schema } from "effect"
import { type AnyTool, allActors, quantPolicy, TOOLS, toolsOf } from "../actors/index.ts"
import {
  AGENT_TYPE_RULE,
  AgentType,
  Decision,
  HOUSE_TYPES,
  isHouseType,
  MarketSymbol,
  ModelName,
  SYMBOL_RULE
} from "../protocols/index.ts"
import { type Actor, addressFault, Time } from "../runtime/index.ts"
import { REGIMES } from "../sim/index.ts"

/** What is wrong with a configuration. */
export interface Fault {
  /** The path of the field, `agents.0.type`; empty where the whole is meant. */
  readonly field: string
  readonly rule: string
}

type Fields = Readonly<Record<string, unknown>>
type Faults = ReadonlyArray<Fault>

const FIELDS = ["agents", "tools", "panels", "models", "actors", "expectations"]
const AGENT_FIELDS = ["type", "policy", "tools", "prompt", "model", "output", "timeout"]

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const isType = Schema.is(AgentType)
const isSymbol = Schema.is(MarketSymbol)
const isModel = Schema.is(Schema.Union([Schema.Literal("quant"), ModelName]))
const isDecision = Schema.is(Decision)

const fault = (field: string, rule: string): Faults => [{ field, rule }]
const unknownFields = (given: Fields, known: ReadonlyArray<string>, at: string): Faults =>
  Object.keys(given)
    .filter((field) => !known.includes(field))
    .map((field) => ({ field: `${at}${field}`, rule: `there is no such field; there are ${known.join(", ")}` }))

const listOf = (value: unknown, field: string, each: (one: unknown, field: string) => Faults): Faults => {
  if (value === undefined) return []
  if (!Array.isArray(value)) return fault(field, "must be a list")
  return value.flatMap((one, index) => each(one, `${field}.${index}`))
}

const recordOf = (
  value: unknown,
  field: string,
  each: (key: string, one: unknown, field: string) => Faults
): Faults => {
  if (value === undefined) return []
  if (!isFields(value)) return fault(field, "must be an object")
  return Object.entries(value).flatMap(([key, one]) => each(key, one, `${field}.${key}`))
}

/** The faults of a configuration, in the order of its fields. */
export const faultsOf = (config: unknown): Faults => {
  if (!isFields(config)) return fault("", "must export by default what defineConfig gives")
  const own = Array.isArray(config.agents)
    ? config.agents.flatMap((agent) => (isFields(agent) ? [agent.type] : []))
    : []
  const types = [...HOUSE_TYPES, ...own.filter(isType)]
  const named = [...TOOLS]
  return [
    ...unknownFields(config, FIELDS, ""),
    ...listOf(config.agents, "agents", (agent, field) => agentFaults(agent, field, own, named)),
    ...recordOf(config.tools, "tools", (type, tools, field) => moreTools(type, tools, field, named)),
    ...recordOf(config.panels, "panels", (key, panel, field) => panelFaults(key, panel, field, types)),
    ...recordOf(config.models, "models", (type, model, field) => modelFaults(type, model, field, config, types)),
    ...listOf(config.actors, "actors", (actor, field) => actorFaults(actor, field, config.actors, types)),
    ...recordOf(config.expectations, "expectations", (type, expected, field) =>
      own.includes(type) ? expectedFaults(expected, field) : fault(field, `there is no own agent of the type ${type}`)
    )
  ]
}

const agentFaults = (agent: unknown, field: string, own: ReadonlyArray<unknown>, named: Array<AnyTool>): Faults => {
  if (!isFields(agent)) return fault(field, "must be what defineAgent gives")
  const { type, policy, tools, prompt, model, output, timeout } = agent
  return [
    ...unknownFields(agent, AGENT_FIELDS, `${field}.`),
    ...typeFaults(type, `${field}.type`, own),
    ...(typeof policy === "function" ? [] : fault(`${field}.policy`, "must be a function of the question")),
    ...toolFaults(tools, `${field}.tools`, named, []),
    ...(prompt === undefined || (typeof prompt === "string" && prompt.trim() !== "")
      ? []
      : fault(`${field}.prompt`, "must be a text")),
    ...(model === undefined ? [] : ownModel(model, prompt, `${field}.model`)),
    ...(output === undefined || Schema.isSchema(output) ? [] : fault(`${field}.output`, "must be a Schema")),
    ...(timeout === undefined || isTime(timeout) ? [] : fault(`${field}.timeout`, TIME_RULE))
  ]
}

const typeFaults = (type: unknown, field: string, own: ReadonlyArray<unknown>): Faults => {
  if (isHouseType(type)) return fault(field, `${type} comes with the system: an own agent has another name`)
  if (!isType(type)) return fault(field, AGENT_TYPE_RULE)
  const [, ...others] = own.filter((each) => each === type)
  return others.length > 0 ? fault(field, `${type} is the type of two agents`) : []
}

const TIME_RULE = "must be a duration from 1 millisecond to 2 minutes, such as 10 seconds"
const isDuration = Schema.is(Time)
const isTime = (given: unknown): boolean =>
  isDuration(given) &&
  Duration.between(Duration.fromInputUnsafe(given), { minimum: Duration.millis(1), maximum: Duration.minutes(2) })

const ownModel = (model: unknown, prompt: unknown, field: string): Faults => {
  if (!isModel(model)) return fault(field, MODEL_RULE)
  return model === "quant" || prompt !== undefined ? [] : fault(field, "an agent that asks a model needs a prompt")
}

const MODEL_RULE = "must be quant, ollama:NAME, anthropic:NAME, perplexity:NAME or openai:NAME"

/** Names of tools are those of their trackers and of what is published: one name, one tool. `had` are those that the agent has already. */
const toolFaults = (tools: unknown, field: string, named: Array<AnyTool>, had: ReadonlyArray<AnyTool>): Faults => {
  const names = new Set(had.map(({ name }) => name))
  return listOf(tools, field, (tool, at) => {
    if (!isTool(tool)) return fault(at, "must be what defineTool gives, or one of the tools that come with the system")
    const { name } = tool
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(name) || name === "model") {
      return fault(`${at}.name`, "a tool's name is 1 to 64 of a-z 0-9 _, a letter first, and not model")
    }
    if (names.has(name)) return fault(`${at}.name`, `the agent has a tool ${name} already`)
    names.add(name)
    const other = named.find((each) => each.name === name)
    if (other === undefined) named.push(tool)
    return other === undefined || other === tool ? [] : fault(`${at}.name`, `there is another tool of the name ${name}`)
  })
}

const isTool = (tool: unknown): tool is AnyTool =>
  isFields(tool) && typeof tool.name === "string" && typeof tool.attempt === "function"

const moreTools = (type: string, tools: unknown, field: string, named: Array<AnyTool>): Faults =>
  isHouseType(type)
    ? toolFaults(tools, field, named, toolsOf(type))
    : fault(field, `must be one of ${HOUSE_TYPES.join(", ")}: own agents name their tools themselves`)

const panelFaults = (key: string, panel: unknown, field: string, types: ReadonlyArray<string>): Faults => {
  const stars = key.split("*").length - 1
  // What stands for a star may be anything, so a pattern is a symbol where a letter is put there.
  if (stars > 1 || (key !== "*" && !isSymbol(key.replace("*", "A")))) {
    return fault(field, `must be a symbol, or a pattern with one *: ${SYMBOL_RULE}`)
  }
  if (!Array.isArray(panel) || panel.length === 0)
    return fault(field, "must be a list of agent types, with one at least")
  if (new Set(panel).size < panel.length) return fault(field, "an agent is named twice")
  return panel.flatMap((type, index) =>
    types.includes(type)
      ? []
      : fault(`${field}.${index}`, `there is no agent type ${String(type)}; there are ${types.join(", ")}`)
  )
}

const modelFaults = (
  type: string,
  model: unknown,
  field: string,
  { agents }: Fields,
  types: ReadonlyArray<string>
): Faults => {
  if (!types.includes(type)) return fault(field, `there is no agent type ${type}; there are ${types.join(", ")}`)
  const own = Array.isArray(agents) ? agents.find((agent) => isFields(agent) && agent.type === type) : undefined
  if (own === undefined) return isModel(model) ? [] : fault(field, MODEL_RULE)
  return own.model === undefined ? ownModel(model, own.prompt, field) : fault(field, "the agent names its model itself")
}

const isActor = (actor: unknown): actor is Actor =>
  isFields(actor) && typeof actor.type === "string" && isFields(actor.definition)

const actorFaults = (actor: unknown, field: string, all: unknown, types: ReadonlyArray<string>): Faults => {
  if (!isActor(actor)) return fault(field, "must be what define gives")
  const { type } = actor
  const wrong = addressFault({ type, id: "a" })
  if (wrong !== undefined) return fault(`${field}.type`, wrong.rule)
  const ours = allActors({ policy: quantPolicy }).some((each) => each.type === type)
  if (ours || types.includes(type)) return fault(`${field}.type`, `${type} is the type of an actor of the system`)
  const twice = Array.isArray(all) && all.filter((each) => isActor(each) && each.type === type).length > 1
  return twice ? fault(`${field}.type`, `${type} is the type of two actors`) : []
}

const expectedFaults = (expected: unknown, field: string): Faults =>
  recordOf(expected, field, (regime, decisions, at) => {
    if (!REGIMES.some((each) => each === regime)) return fault(at, `must be one of ${REGIMES.join(", ")}`)
    const right = Array.isArray(decisions) && decisions.length > 0 && decisions.every((each) => isDecision(each))
    return right ? [] : fault(at, "must be a list of BUY, SELL and HOLD, with one at least")
  })
