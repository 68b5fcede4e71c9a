// What a language model can do, found out by asking it one question as an agent would.
import { Clock, Effect, Result } from "effect"
import { type ModelErrorKind, type ModelName, toWindow } from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { barRows, type Conversation, mayUseTools, questionOf, type TakenTurn } from "../model/conversation.ts"
import { faultText, type ModelAnswer, readDecision } from "../model/decision.ts"
import { HABITS } from "../model/habits.ts"
import type { LanguageModel } from "../model/language-model.ts"
import type { Prompts } from "../model/prompts.ts"
import { remedyOf } from "../model/warnings.ts"
import { toolsOf } from "../tools/registry.ts"
import { describeTools } from "./model-activity.ts"
import { everyTool } from "./model-conversation.ts"
import { useRequested } from "./tool-activity.ts"

/** What became of one turn of the conversation. */
export interface CheckedTurn {
  readonly elapsed_ms: number
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  /** Names of the tools that it asked for. */
  readonly tools: ReadonlyArray<string>
}

export interface ModelCheck {
  readonly model: ModelName
  /** It gave a decision in the form that was asked for, or one that could be read. */
  readonly decides: boolean
  readonly tools: "used" | "not asked for" | "refused"
  readonly turns: ReadonlyArray<CheckedTurn>
  /** How its server wants to be asked, in words. */
  readonly habits: ReadonlyArray<string>
  readonly answer?: ModelAnswer
  /** What is wrong with its answer. */
  readonly fault?: string
  readonly error?: { readonly kind: ModelErrorKind; readonly detail: string; readonly remedy: string }
}

const TYPE = "market_analyst"
const TOOLS = toolsOf(TYPE)

/** Bars that rise and fall: the same whenever they are asked about. */
const BARS = toWindow(
  Array.from({ length: 100 }, (_, index) => {
    const close = 100 + 5 * Math.sin(index / 9) + index / 20
    const [open, time] = [100 + 5 * Math.sin((index - 1) / 9) + (index - 1) / 20, index * 86_400_000]
    return { time, open, high: Math.max(open, close) + 0.5, low: Math.min(open, close) - 0.5, close, volume: 1_000 }
  })
)

/** How many turns it has, tools included. */
const TURNS_MAX = 5

/** Asks a model for one decision on bars of our own, each turn within `timeoutMillis`. Never fails. */
export const checkModel = (
  model: ModelName,
  port: LanguageModel,
  prompts: Prompts,
  timeoutMillis: number
): Effect.Effect<ModelCheck> =>
  Effect.gen(function* () {
    const turns: Array<CheckedTurn> = []
    let conversation: Conversation = { model, symbol: "CHECK", bars: barRows(BARS), turns: [] }
    const found = (): Pick<ModelCheck, "model" | "turns" | "habits" | "tools"> => ({
      ...{ model, turns, habits: habitsOf(port, model) },
      tools: conversation.toolless ? "refused" : turns.some(({ tools }) => tools.length > 0) ? "used" : "not asked for"
    })
    while (turns.length < TURNS_MAX) {
      const last = turns.length === TURNS_MAX - 1
      const tools = last ? [] : describeTools(TOOLS)
      const startedAt = yield* Clock.currentTimeMillis
      const asked = yield* port
        .ask(questionOf(TYPE, conversation, prompts, tools))
        .pipe(Effect.timeoutOption(timeoutMillis), Effect.result)
      if (Result.isFailure(asked)) {
        if (asked.failure.refuses_tools === true && !conversation.toolless) {
          conversation = { ...conversation, toolless: true, measured: everyTool(TOOLS).map(measure) }
          continue
        }
        const { kind, detail } = asked.failure
        return { ...found(), decides: false, error: { kind, detail, remedy: remedyOf(model, kind) } }
      }
      if (asked.success._tag === "None") {
        const detail = `no answer in ${timeoutMillis} ms`
        return { ...found(), decides: false, error: { kind: "timeout", detail, remedy: remedyOf(model, "timeout") } }
      }
      const turn = asked.success.value
      const { input_tokens, output_tokens } = turn
      const elapsed_ms = (yield* Clock.currentTimeMillis) - startedAt
      const wanted = mayUseTools(conversation) && !last ? turn.tools : []
      turns.push({ elapsed_ms, input_tokens, output_tokens, tools: wanted.map(({ name }) => name) })
      if (wanted.length === 0) {
        const said = judged(turn.text)
        if (said.decides || last || conversation.fault !== undefined) return { ...found(), ...said }
        // As an agent does: it is told once what is wrong.
        conversation = { ...conversation, ...toldOf(conversation, turn.text, said.fault) }
        continue
      }
      const taken: TakenTurn = { text: turn.text, tools: wanted, calls: wanted.map(measure) }
      conversation = { ...conversation, turns: [...conversation.turns, taken] }
    }
    return { ...found(), decides: false, fault: "it goes on asking for tools" }
  })

const toldOf = ({ turns }: Conversation, text: string, fault = "it is no decision") => ({
  turns: [...turns, { text, tools: [] }],
  fault
})

const judged = (text: string): Pick<ModelCheck, "decides" | "answer" | "fault"> => {
  const read = readDecision(text)
  if (Result.isFailure(read)) return { decides: false, fault: faultText(read.failure) }
  const { resolved } = read.success
  return omitUndefined({ decides: true, answer: read.success, fault: resolved && faultText(resolved) })
}

const measure = (request: Parameters<typeof useRequested>[1], index: number) =>
  useRequested(TOOLS, request, { bars: BARS }, `check.${index + 1}`, () => 0)

const habitsOf = (port: LanguageModel, model: ModelName): ReadonlyArray<string> => {
  const known = port.habitsOf?.(model) ?? []
  return HABITS.filter(({ name }) => known.includes(name)).map(({ about }) => about)
}
