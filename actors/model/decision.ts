import { Option, Result, Schema, SchemaIssue } from "effect"
import { Decision } from "../../protocols/index.ts"

/** The most characters of reasoning that are taken. */
const REASONING_MAX = 2_000

/** How far the probabilities may be from adding up to 1, because models round. They are then divided by their sum. */
const SUM_TOLERANCE = 0.02

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** The only form of answer that a model may give. Nothing is put right: `"high"` is no confidence. */
export const ModelDecision = Schema.Struct({
  decision: Decision.annotate({ description: "what to do at the latest price" }),
  confidence: Share.annotate({ description: "how sure you are of the decision, a number from 0 to 1" }),
  probabilities: Schema.Struct({ BUY: Share, SELL: Share, HOLD: Share }).annotate({
    description: "what you believe of each decision; they add up to 1, and the decision has the greatest"
  }),
  reasoning: Schema.String.check(Schema.isMaxLength(REASONING_MAX)).annotate({
    description: "why, in at most three sentences, with the figures that count"
  })
})
export type ModelDecision = typeof ModelDecision.Type

/** Which field of an answer breaks which rule; the field is empty where the answer as a whole does. */
export interface AnswerFault {
  readonly field: string
  readonly rule: string
}

/** The answer's JSON Schema, as it is shown to models. Members beyond it are refused. */
export const decisionForm: unknown = Schema.toJsonSchemaDocument(ModelDecision, { onExcessProperty: "error" }).schema

const decode = Schema.decodeUnknownResult(ModelDecision, { onExcessProperty: "error" })
const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** A model's text as a decision, or what is wrong with it. Only thoughts before it and one fence of Markdown round it are taken away. */
export const readDecision = (text: string): Result.Result<ModelDecision, AnswerFault> => {
  const json = parseJson(bare(text))
  if (Option.isNone(json)) return fault("", "must be one JSON object and nothing else")
  const decoded = decode(json.value)
  if (Result.isFailure(decoded)) return Result.fail(faultOf(decoded.failure))
  const { decision, confidence, probabilities: given, reasoning } = decoded.success
  const sum = given.BUY + given.SELL + given.HOLD
  if (Math.abs(sum - 1) > SUM_TOLERANCE) return fault("probabilities", "must add up to 1")
  if (given[decision] < Math.max(given.BUY, given.SELL, given.HOLD)) {
    return fault("decision", "must be the one with the greatest probability")
  }
  const probabilities = { BUY: given.BUY / sum, SELL: given.SELL / sum, HOLD: given.HOLD / sum }
  return Result.succeed({ decision, confidence, probabilities, reasoning })
}

const fault = (field: string, rule: string) => Result.fail({ field, rule })

/** What some models put round an answer that is sound. */
const bare = (text: string): string =>
  text
    .trim()
    .replace(/^<think>[\s\S]*?<\/think>\s*/, "")
    .replace(/^```(?:json)?\s*\n([\s\S]*)\n\s*```$/, "$1")
    .trim()

const parseJson = (text: string): Option.Option<unknown> => Option.liftThrowable((): unknown => JSON.parse(text))()

const faultOf = (error: Schema.SchemaError): AnswerFault => {
  const issue = format(error.issue).issues[0]
  const path = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")
  // The name of a member that should not be there is the model's own text.
  const field = path.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 64)
  return { field, rule: RULES[field] ?? (issue?.message ?? "is not valid").toLowerCase() }
}

const share = "must be a number from 0 to 1"
const RULES: { readonly [field: string]: string } = {
  decision: "must be BUY, SELL or HOLD",
  confidence: share,
  "probabilities.BUY": share,
  "probabilities.SELL": share,
  "probabilities.HOLD": share,
  reasoning: `must be a text of at most ${REASONING_MAX} characters`
}

/** The fault as one sentence. */
export const faultText = ({ field, rule }: AnswerFault): string =>
  field === "" ? `the answer ${rule}` : `\`${field}\` ${rule}`
