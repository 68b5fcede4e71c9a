// `conclave models check`: what a language model can do, found out by one question.
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { checkOf, type ModelCheck } from "../../actors/index.ts"
import { ModelName } from "../../protocols/index.ts"
import { modelConfiguration } from "../config-models.ts"
import { NotAll } from "../operate/operate.ts"
import { plain } from "../table.ts"

/** No model is named, and none is configured. */
export class NoModel extends Schema.TaggedError<NoModel>()("NoModel", {}) {
  override get message() {
    return "no model is configured: name one, such as ollama:llama3.2, or set CONCLAVE_MODEL"
  }
}

const modelArgument = Argument.String("model").pipe(
  Argument.withDescription("The model, such as ollama:llama3.2 (default: all that are configured)"),
  Argument.withSchema(ModelName),
  Argument.optional
)

const jsonFlag = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, for programs"), Flag.withDefault(false))

const check = Command.make("check", { model: modelArgument, json: jsonFlag }, ({ model, json }) =>
  Effect.gen(function* () {
    const options = yield* modelConfiguration(Option.getOrUndefined(model))
    const named = [...new Set(options.models.values())].filter((each) => each !== "quant")
    if (named.length === 0) return yield* new NoModel()
    const checks = yield* Effect.forEach(named, (each) => checkOf(each, options))
    yield* Console.log(json ? JSON.stringify(checks, null, 2) : checks.map(checkText).join("\n\n"))
    const failed = checks.filter(({ decides }) => !decides)
    if (failed.length > 0) {
      return yield* new NotAll({ detail: `${failed.map(({ model: name }) => name).join(", ")}: no decision` })
    }
  })
).pipe(
  Command.withDescription("Ask a model one question as an agent would, and say what it can do"),
  Command.withExamples([
    {
      command: "npx conclave models check ollama:llama3.2",
      description: "Whether it is there, takes tools, and decides"
    }
  ])
)

/** `conclave models`. */
export const models = Command.make("models").pipe(
  Command.withDescription("Language models: what the configured ones, or another, can do"),
  Command.withSubcommands([check])
)

const TEXT_MAX = 300

const checkText = (found: ModelCheck): string => {
  const { model, tools, turns, habits, answer, fault, error } = found
  const asked = turns.flatMap(({ tools: names }) => names)
  const lines = [
    ...turns.map(
      ({ elapsed_ms, input_tokens, output_tokens }, index) =>
        [
          `turn ${index + 1}`,
          `${elapsed_ms} ms, ${input_tokens ?? "?"} tokens in, ${output_tokens ?? "?"} out`
        ] as const
    ),
    ["tools", asked.length === 0 ? tools : `${tools}: ${plain(asked.join(", "), TEXT_MAX)}`] as const,
    ...habits.map((habit) => ["habit", habit] as const),
    ...(answer === undefined ? [] : [["decides", decisionText(answer)] as const]),
    ...(fault === undefined ? [] : [["fault", plain(fault, TEXT_MAX)] as const]),
    ...(error === undefined ? [] : [["fails", plain(`${error.kind}: ${error.detail}`, TEXT_MAX)] as const]),
    ...(error === undefined ? [] : [["remedy", error.remedy] as const])
  ]
  return [model, ...lines.map(([label, text]) => `  ${label.padEnd(9)}${text}`)].join("\n")
}

const decisionText = ({ decision: { decision, confidence }, licences }: NonNullable<ModelCheck["answer"]>): string =>
  `${decision} ${confidence.toFixed(2)}${licences.length === 0 ? "" : `, read with patience: ${licences.join(", ")}`}`
