// Record and replay of what is asked of models and what they say, a file for each question.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect, Option, Schema } from "effect"
import { canonical, omitUndefined } from "../../runtime/index.ts"
import { sha256 } from "../consensus/chain.ts"
import { ModelError } from "./errors.ts"
import { type LanguageModel, Question, Turn } from "./language-model.ts"

const Outcome = Schema.Union([
  Schema.Struct({ turn: Turn }),
  Schema.Struct({
    error: Schema.Struct({
      kind: ModelError.fields.kind,
      detail: Schema.String,
      retry_after_ms: Schema.optionalKey(Schema.Finite),
      refuses_tools: Schema.optionalKey(Schema.Literal(true))
    })
  })
])
type Outcome = typeof Outcome.Type

const Recorded = Schema.fromJsonString(Schema.Struct({ question: Question, outcomes: Schema.NonEmptyArray(Outcome) }))

const encode = Schema.encodeSync(Recorded)
const decode = Schema.decodeUnknownOption(Recorded)

/** Of one question asked again and again, so many outcomes are kept. */
const OUTCOMES_MAX = 16

/** Of so many questions a process knows what became of them; the one asked longest ago is forgotten first. */
const QUESTIONS_KNOWN_MAX = 1_000

/** The name of a question: the SHA-256 of what it holds as canonical JSON, without the tools that it only names once more. */
export const questionKey = ({ told: _, ...asked }: Question): string => sha256(canonical(asked))

/**
 * A model whose traffic is written into a folder: each question, and in order what came of it, failures too. Questions hold no key.
 *
 * That a model takes no tools is not remembered here: what is replayed has to be refused as it was.
 *
 * A question that is asked anew by another process, or after many others, begins its file anew. What cannot be written is said in the log, and the model answers all the same.
 */
export const recording = (folder: string, port: LanguageModel, knownMax = QUESTIONS_KNOWN_MAX): LanguageModel => {
  const known = new Map<string, ReadonlyArray<Outcome>>()
  const write = (question: Question, outcome: Outcome) =>
    Effect.try(() => {
      const key = questionKey(question)
      const [first = outcome, ...rest] = [...(known.get(key) ?? []), outcome].slice(-OUTCOMES_MAX)
      known.delete(key)
      known.set(key, [first, ...rest])
      const [longestAgo] = known.keys()
      if (known.size > knownMax && longestAgo !== undefined) known.delete(longestAgo)
      makeFolder(folder)
      const file = join(folder, `${key}.json`)
      writeFileSync(`${file}.new`, `${encode({ question, outcomes: [first, ...rest] })}\n`, { mode: 0o600 })
      renameSync(`${file}.new`, file)
    }).pipe(
      Effect.catch((cause) => Effect.logWarning("model traffic not recorded", { folder, cause: String(cause.cause) }))
    )
  return {
    ask: (question) =>
      port.ask(question).pipe(
        Effect.tap((turn) => write(question, { turn })),
        Effect.tapError(({ kind, detail, retry_after_ms, refuses_tools }) =>
          write(question, { error: omitUndefined({ kind, detail, retry_after_ms, refuses_tools }) })
        )
      )
  }
}

// Node's own recursive mkdir never returns where the file system takes no folders, as under /proc.
const makeFolder = (path: string): void => {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path)
}

/**
 * A model that says what is recorded in a folder, without any network: of a question asked again the next outcome, and at the end the
 * last one for ever. Fails with `not_recorded` for a question that was never asked.
 */
export const replaying = (folder: string): LanguageModel => {
  const asked = new Map<string, number>()
  return {
    ask: (question) =>
      Effect.suspend(() => {
        const key = questionKey(question)
        const recorded = Option.liftThrowable(() => readFileSync(join(folder, `${key}.json`), "utf8"))().pipe(
          Option.flatMap((text) => decode(text))
        )
        if (Option.isNone(recorded)) {
          return Effect.fail(new ModelError({ kind: "not_recorded", detail: `nothing is recorded of question ${key}` }))
        }
        const { outcomes } = recorded.value
        const at = asked.get(key) ?? 0
        asked.set(key, at + 1)
        const outcome = outcomes[Math.min(at, outcomes.length - 1)]!
        return "turn" in outcome ? Effect.succeed(outcome.turn) : Effect.fail(new ModelError(outcome.error))
      })
  }
}
