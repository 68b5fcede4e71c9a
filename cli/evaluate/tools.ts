import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { type AnyTool, parametersJsonSchema, TOOLS, toolsOf } from "../../actors/index.ts"
import { HOUSE_TYPES } from "../../protocols/index.ts"
import { table } from "../table.ts"
import { toolsPage, toolText } from "./tools-page.ts"

const name = Argument.Literals(
  "name",
  TOOLS.map((tool) => tool.name)
).pipe(Argument.withDescription("One tool: its meaning, source, warm-up, parameters and result"), Argument.optional)
const agent = Flag.Literals("agent", HOUSE_TYPES).pipe(
  Flag.withDescription("Only the tools that this type of agent may use"),
  Flag.optional
)
const markdown = Flag.Boolean("markdown").pipe(
  Flag.withDescription("As the page docs/TOOLS.md"),
  Flag.withDefault(false)
)
const json = Flag.Boolean("json").pipe(
  Flag.withDescription("As JSON, with the JSON Schema of the parameters"),
  Flag.withDefault(false)
)

/** `conclave tools`: what the agents can measure. */
export const tools = Command.make("tools", { name, agent, markdown, json }, (given) =>
  Effect.gen(function* () {
    const listed = Option.isSome(given.agent) ? toolsOf(given.agent.value) : TOOLS
    const chosen = TOOLS.filter((tool) => Option.contains(given.name, tool.name))
    const shown = Option.isSome(given.name) ? chosen : listed
    if (given.json) return yield* Console.log(JSON.stringify(shown.map(dataOf), undefined, 2))
    if (given.markdown) return yield* Console.log(toolsPage(shown).trimEnd())
    yield* Console.log(Option.isSome(given.name) ? chosen.map(toolText).join("\n") : show(listed))
  })
).pipe(Command.withDescription("The tools of the agents: meaning, source, units and warm-up of each"))

const show = (listed: ReadonlyArray<AnyTool>): string =>
  [
    table(
      ["TOOL", "BARS", "STANDS IN", "MEANING"],
      listed.map(({ name, neededByDefault, substitutes, about }) => [
        name,
        neededByDefault,
        substitutes.join(", ") || "-",
        `${about.split(/[:.;]/)[0]}`
      ])
    ),
    "",
    "BARS is the warm-up with no parameters given; STANDS IN is what takes a tool's place. More: conclave tools <name>"
  ].join("\n")

const dataOf = (tool: AnyTool) => ({
  name: tool.name,
  about: tool.about,
  source: tool.source,
  warm_up: tool.warmUp,
  bars_needed: tool.neededByDefault,
  substitutes: tool.substitutes,
  parameters: parametersJsonSchema(tool)
})
