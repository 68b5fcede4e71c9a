// What there is to know of a tool, as a text for a terminal and as a page of Markdown.
import { Schema } from "effect"
import { type AnyTool, parametersJsonSchema, resultJsonSchema, toolsOf } from "../../actors/index.ts"
import { HOUSE_TYPES } from "../../protocols/index.ts"
import { table } from "../table.ts"

/** What is read of the JSON Schema of one field. */
const Property = Schema.Struct({
  description: Schema.String,
  minimum: Schema.optionalKey(Schema.Finite),
  maximum: Schema.optionalKey(Schema.Finite),
  default: Schema.optionalKey(Schema.Unknown)
})
const Properties = Schema.Struct({ properties: Schema.Record(Schema.String, Property) })
const decodeProperties = Schema.decodeUnknownSync(Properties)

interface Field {
  readonly name: string
  readonly meaning: string
  readonly unit: string
  readonly bounds: string
  readonly default: string
}

/**
 * The fields of an object's JSON Schema. Throws where one has no description that ends with its unit in parentheses.
 */
export const fieldsOf = (jsonSchema: object): ReadonlyArray<Field> =>
  Object.entries(decodeProperties(jsonSchema).properties).map(([name, property]) => {
    const parts = /^(.+) \(([^()]+)\)$/.exec(property.description)
    if (parts === null) throw new Error(`${name} is described without its unit: ${property.description}`)
    const { minimum, maximum } = property
    return {
      name,
      meaning: parts[1]!,
      unit: parts[2]!,
      bounds: minimum === undefined || maximum === undefined ? "" : `${minimum} to ${maximum}`,
      default: property.default === undefined ? "" : JSON.stringify(property.default)
    }
  })

/** One tool for people. */
export const toolText = (tool: AnyTool): string =>
  [
    `${tool.name}: ${tool.about}`,
    "",
    `Source: ${tool.source}.`,
    `Warm-up: ${tool.warmUp}; ${tool.neededByDefault} with no parameters given.`,
    `Stands in for it: ${tool.substitutes.join(", ") || "nothing"}.`,
    "",
    table(
      ["PARAMETER", "DEFAULT", "BOUNDS", "UNIT", "MEANING"],
      fieldsOf(parametersJsonSchema(tool)).map((each) => [
        each.name,
        each.default,
        each.bounds || "-",
        each.unit,
        each.meaning
      ])
    ),
    "",
    table(
      ["RESULT", "UNIT", "MEANING"],
      fieldsOf(resultJsonSchema(tool)).map((each) => [each.name, each.unit, each.meaning])
    )
  ].join("\n")

/** The page docs/TOOLS.md. */
export const toolsPage = (tools: ReadonlyArray<AnyTool>): string =>
  [
    "# The tools of the agents",
    "",
    "What an agent can measure. Every tool is a pure function of the bars (and past decisions) that it is " +
      "given: the same input gives the",
    "same result, nothing is drawn at random, and with too few bars it says how many it needs. `conclave " +
      "tools --markdown` prints this page;",
    "a test holds it to the code.",
    "",
    "A use of a tool that gives nothing says why in `error_kind`: `invalid_input` (which field breaks which " +
      "rule), `insufficient_data` (how much",
    "is needed and there), `not_finite` (the formula leaves the range of numbers on these prices), `defect` " +
      "(the tool is broken), `unavailable`",
    "(it is not used at present; the quant rules then take what stands in for it, or go on without it and " +
      "with less strength).",
    "",
    "| tool | bars | stands in for it | agents |",
    "| --- | --- | --- | --- |",
    ...tools.map(
      (tool) =>
        `| [${tool.name}](#${tool.name}) | ${tool.neededByDefault} | ${tool.substitutes.join(", ")} | ` +
        `${agentsOf(tool)} |`
    ),
    "",
    "`bars` is the warm-up with no parameters given. `comprehensive` may use all tools.",
    ...tools.flatMap(section),
    ""
  ].join("\n")

const section = (tool: AnyTool): ReadonlyArray<string> => [
  "",
  `## ${tool.name}`,
  "",
  tool.about,
  "",
  `Source: ${tool.source}. Warm-up: ${tool.warmUp}.`,
  "",
  "| parameter | default | bounds | unit | meaning |",
  "| --- | --- | --- | --- | --- |",
  ...fieldsOf(parametersJsonSchema(tool)).map(
    (each) => `| \`${each.name}\` | ${each.default} | ${each.bounds} | ${each.unit} | ${each.meaning} |`
  ),
  "",
  "| result | unit | meaning |",
  "| --- | --- | --- |",
  ...fieldsOf(resultJsonSchema(tool)).map((each) => `| \`${each.name}\` | ${each.unit} | ${each.meaning} |`)
]

const agentsOf = (tool: AnyTool): string =>
  HOUSE_TYPES.filter((type) => type !== "comprehensive" && toolsOf(type).includes(tool)).join(", ")
