import { Schema } from "effect"
import {
  type AgentType,
  type BarWindow,
  ContextItems,
  Indicators,
  MarketSymbol,
  ModelName,
  PastDecision,
  spanText,
  ToolCall
} from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { decisionForm } from "./decision.ts"
import { type Message, type Question, ToolRequest, takesTools } from "./language-model.ts"
import type { Prompts } from "./prompts.ts"

/** What was said in one turn, and what came of the tools that it asked for. */
export const TakenTurn = Schema.Struct({
  text: Schema.String,
  tools: Schema.Array(ToolRequest),
  calls: Schema.optionalKey(Schema.Array(ToolCall))
})
export type TakenTurn = typeof TakenTurn.Type

const BarRow = Schema.Tuple([Schema.String, Schema.Finite, Schema.Finite, Schema.Finite, Schema.Finite, Schema.Finite])

/** A conversation as it stands: all that the next question follows from, besides the prompts. */
export const Conversation = Schema.Struct({
  model: ModelName,
  symbol: MarketSymbol,
  /** The latest bars, oldest first, as rows of `time`, open, high, low, close, volume. */
  bars: Schema.Array(BarRow),
  context: Schema.optionalKey(ContextItems),
  past: Schema.optionalKey(Schema.Array(PastDecision)),
  /** Figures that came with the request. */
  indicators: Schema.optionalKey(Indicators),
  /** What was measured beforehand, for a model that cannot ask for tools. */
  measured: Schema.optionalKey(Schema.Array(ToolCall)),
  /** The model refuses tools. */
  toolless: Schema.optionalKey(Schema.Literal(true)),
  /** What makes a decision right: the price's return over a horizon, in milliseconds, beyond a threshold, a fraction of the price. */
  judged_by: Schema.optionalKey(Schema.Struct({ horizon_ms: Schema.Finite, threshold: Schema.Finite })),
  /** Tools that are not offered. */
  unavailable: Schema.optionalKey(Schema.Array(Schema.String)),
  turns: Schema.Array(TakenTurn),
  /** What is wrong with the last turn's answer. */
  fault: Schema.optionalKey(Schema.String)
})
export type Conversation = typeof Conversation.Type

/** After so many turns with tools there is one without. */
export const TOOL_TURNS_MAX = 6
/** Of more tools asked for in one turn, the first so many are used, and the others were never asked for. */
export const TOOLS_PER_TURN_MAX = 8
/** How many bars a model sees; its tools see all. */
export const BARS_SHOWN = 20
/** The most characters of one tool's result that a model sees. */
const RESULT_CHARACTERS_MAX = 4_000

/** Whether the model may ask for tools in its next turn. */
export const mayUseTools = ({
  model,
  turns,
  fault,
  toolless
}: Pick<Conversation, "model" | "turns" | "fault" | "toolless">): boolean =>
  takesTools(model) && toolless !== true && fault === undefined && turns.length < TOOL_TURNS_MAX

/** The latest bars as rows that a model reads. */
export const barRows = ({ time, open, high, low, close, volume }: BarWindow): Conversation["bars"] =>
  time.slice(-BARS_SHOWN).map((at, index) => {
    const from = Math.max(0, time.length - BARS_SHOWN) + index
    const shown = [open[from]!, high[from]!, low[from]!, close[from]!, volume[from]!]
    const [first, top, bottom, last, traded] = shown.map((value) => Number(value.toPrecision(6)))
    return [new Date(at).toISOString(), first!, top!, bottom!, last!, traded!]
  })

/** The next question of a conversation. Pure: the same conversation gives the same question, byte for byte. */
export const questionOf = (
  type: AgentType,
  conversation: Conversation,
  prompts: Prompts,
  tools: Question["tools"]
): Question => {
  const asking = mayUseTools(conversation) && tools.length > 0
  const { model, fault, toolless } = conversation
  // All tools were used again, and their results stand with the data.
  const turns = toolless === true ? conversation.turns.filter(({ calls }) => calls === undefined) : conversation.turns
  const last: ReadonlyArray<Message> =
    fault !== undefined
      ? [{ role: "user", text: prompts.repair(fault) }]
      : asking || turns.length === 0
        ? []
        : [{ role: "user", text: prompts.answer }]
  const used = turns.some((turn) => turn.calls !== undefined)
  return omitUndefined({
    model,
    instructions: prompts.instructions(type),
    messages: [{ role: "user", text: dataBlock(conversation) }, ...turns.flatMap(said), ...last],
    tools: asking ? tools : [],
    told: asking || !used ? undefined : tools,
    form: asking ? null : decisionForm
  })
}

const said = ({ text, tools, calls }: TakenTurn): ReadonlyArray<Message> => {
  const turn: Message = { role: "assistant", text, tools }
  if (calls === undefined) return tools.length === 0 ? [turn] : [{ ...turn, tools: [] }]
  const results = tools.map(({ id, name }, index) => ({ id, name, output: resultText(calls[index]) }))
  return [turn, { role: "tools", results }]
}

/** A tool's result as JSON that a model reads. Times and ids are left out: they would make every conversation another one. */
const resultText = (call: ToolCall | undefined): string => {
  const ignored_parameters = call?.ignored
  const text =
    call?.status === "success"
      ? dataText(rounded(ignored_parameters ? { ...Object(call.result), ignored_parameters } : call.result))
      : dataText({ error: call?.error_message ?? "the tool was not used" })
  return text.length <= RESULT_CHARACTERS_MAX ? text : dataText({ error: "the result is too long to be shown" })
}

/** Six digits say all that there is to know, and cost a third of the tokens. */
const rounded = (value: unknown): unknown => {
  if (typeof value === "number") return Number(value.toPrecision(6))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member)]))
}

const judgedText = ({ horizon_ms, threshold }: NonNullable<Conversation["judged_by"]>): string => {
  const [later, percent] = [spanText(horizon_ms), `${Number((100 * threshold).toPrecision(6))}%`]
  return `BUY is right if the price is more than ${percent} higher ${later} later, SELL if it is more than ${percent} lower, HOLD if neither`
}

/** The market and the texts from outside, in a place that none of them can leave. */
const dataBlock = ({
  symbol,
  bars,
  context = [],
  past = [],
  measured,
  indicators,
  judged_by
}: Conversation): string => {
  const data = omitUndefined({
    symbol,
    judged_by: judged_by && judgedText(judged_by),
    bar_fields: ["time", "open", "high", "low", "close", "volume"],
    bars,
    past: past.map(({ bar_time, price, decision, confidence }) => ({
      time: new Date(bar_time).toISOString(),
      price,
      decision,
      confidence
    })),
    texts: context.map(({ kind, source, time, text, score }) =>
      omitUndefined({ kind, source, time: new Date(time).toISOString(), text, score })
    ),
    given_indicators: indicators && rounded(indicators),
    tools: measured?.map((call) => ({ tool: call.tool_name, result: JSON.parse(resultText(call)) }))
  })
  return `<data>\n${dataText(data)}\n</data>`
}

/**
 * A value as JSON on one line, in which no `<`, `>`, backtick or ampersand and no character that cannot be seen stands for itself. So no text
 * inside can end the block that it is in, open another one, or hide.
 */
export const dataText = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&`]|[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{DI}\u0080-\u009f\u007f]/gu, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")
  )
