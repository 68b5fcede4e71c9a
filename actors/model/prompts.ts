import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { type AgentType, HOUSE_TYPES } from "../../protocols/index.ts"
import { decisionForm } from "./decision.ts"

/** A prompt file cannot be used. Trying again does not help. */
export class PromptUnusable extends Schema.TaggedError<PromptUnusable>()("PromptUnusable", {
  file: Schema.String,
  rule: Schema.String
}) {
  override get message() {
    return `${this.file} ${this.rule}`
  }
}

/** What models are told, besides data. */
export interface Prompts {
  /** The instructions of an agent type: the same for every question that it asks. */
  readonly instructions: (type: AgentType) => string
  /** Said when there are no more tools. */
  readonly answer: string
  /** Said once of an answer that is no decision. */
  readonly repair: (fault: string) => string
}

const PROMPT_CHARACTERS_MAX = 20_000

/**
 * The prompts in a folder: `common.md`, `answer.md`, `repair.md` and one per agent type. `{{form}}` in `common.md` stands for the JSON
 * Schema of the answer, `{{fault}}` in `repair.md` for what was wrong. They are read once. `added` are the instructions of other types.
 */
export const loadPrompts = (
  folder: string,
  added: ReadonlyMap<AgentType, string> = new Map()
): Effect.Effect<Prompts, PromptUnusable> =>
  Effect.gen(function* () {
    const common = yield* readPrompt(folder, "common.md", "{{form}}")
    const answer = yield* readPrompt(folder, "answer.md")
    const repair = yield* readPrompt(folder, "repair.md", "{{fault}}")
    const own = new Map<AgentType, string>(added)
    for (const type of HOUSE_TYPES) own.set(type, yield* readPrompt(folder, `${type}.md`))
    const shared = fill(common, "{{form}}", JSON.stringify(decisionForm, undefined, 2))
    return {
      instructions: (type) => [own.get(type) ?? "", shared].join("\n\n").trimStart(),
      answer,
      repair: (fault) => fill(repair, "{{fault}}", fault)
    }
  })

/** As a function, because `$` in a replacement text means something. */
const fill = (text: string, place: string, value: string) => text.replaceAll(place, () => value)

const readPrompt = (folder: string, name: string, needs = ""): Effect.Effect<string, PromptUnusable> => {
  const file = join(folder, name)
  const unusable = (rule: string) => new PromptUnusable({ file, rule })
  return Effect.try({ try: () => readFileSync(file, "utf8"), catch: () => unusable("cannot be read") }).pipe(
    Effect.map((text) => text.trim()),
    Effect.filterOrFail(
      (text) => text !== "",
      () => unusable("is empty")
    ),
    Effect.filterOrFail(
      (text) => text.length <= PROMPT_CHARACTERS_MAX,
      () => unusable(`has more than ${PROMPT_CHARACTERS_MAX} characters`)
    ),
    Effect.filterOrFail(
      (text) => text.includes(needs),
      () => unusable(`must hold ${needs}`)
    )
  )
}
