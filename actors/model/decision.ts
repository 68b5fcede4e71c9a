import { Result, Schema, SchemaIssue } from "effect"
import { Decision } from "../../protocols/index.ts"
import { findObject, type Licence, membersOf, numberIn } from "./reading.ts"

/** The most characters of reasoning that are taken; what is more is cut off. */
const REASONING_MAX = 2_000

/** How far the probabilities may be from adding up to 1, because models round. They are then divided by their sum. */
const SUM_TOLERANCE = 0.02

/** How far the confidence may be from the probability of the decision before it counts as something else. */
const CONFIDENCE_TOLERANCE = 0.02

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** The form of answer that a model is asked for, and that what it says must have once it has been read. */
export const ModelDecision = Schema.Struct({
  decision: Decision.annotate({ description: "what to do at the latest price" }),
  confidence: Share.annotate({
    description: "how sure you are of the decision, a number from 0 to 1: its probability below"
  }),
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

/** What an answer that contradicts itself is taken for. */
export interface Resolved extends AnswerFault {
  /** What it said in the field, and what was taken for it. */
  readonly said: number | string | null
  readonly taken: number | string
}

/** An answer as it was read. */
export interface ModelAnswer {
  /** Consistent: the confidence is the probability of the decision. */
  readonly decision: ModelDecision
  readonly licences: ReadonlyArray<Licence>
  /** It contradicts itself, and `decision` is what a rule makes of that. */
  readonly resolved?: Resolved
}

/** The answer's JSON Schema, as it is shown to models. */
export const decisionForm: unknown = Schema.toJsonSchemaDocument(ModelDecision, { onExcessProperty: "error" }).schema

const decode = Schema.decodeUnknownResult(ModelDecision, { onExcessProperty: "error" })
const format = SchemaIssue.makeFormatterStandardSchemaV1()

const MEMBERS = ["decision", "confidence", "probabilities", "reasoning"]

/**
 * A model's text as a decision, or what is wrong with it.
 *
 * It is read with patience (`reading.ts`), then checked by its schema. An answer that contradicts itself is one all the same, with what
 * a rule makes of it: the decision stays as it was said, and its probability is the confidence, so that nothing is turned round and a
 * decision that its own model does not believe weighs little. Without any probabilities, what confidence leaves is shared by the others.
 */
export const readDecision = (text: string): Result.Result<ModelAnswer, AnswerFault> => {
  const found = findObject(text, "decision")
  if (Result.isFailure(found)) return fault("", found.failure)
  const { members, licences } = membersOf(found.success.value, MEMBERS)
  const noted = new Set<Licence>([...found.success.licences, ...licences])
  const take = ({ value, licences: used }: ReturnType<typeof numberIn>): unknown => {
    for (const each of used) noted.add(each)
    return value
  }
  const decision = inCapitals(members.get("decision"), noted)
  const given = sharesOf(members.get("probabilities"), take, noted)
  const said = take(numberIn(members.get("confidence")))
  const confidence = isPercent(said) ? take({ value: said / 100, licences: ["percent"] }) : said
  const probabilities = given ?? restOf(decision, confidence)
  const own = Object(probabilities)[String(decision)]
  const decoded = decode({
    decision,
    // Whoever says what it believes of its decision has said how sure it is.
    confidence: confidence === undefined ? own : confidence,
    probabilities,
    reasoning: wordsOf(members.get("reasoning"))
  })
  if (Result.isFailure(decoded)) return Result.fail(faultOf(decoded.failure))
  return consistent(decoded.success, [...noted], given === undefined)
}

/** The answer with one meaning. */
const consistent = (
  { decision, confidence, probabilities: given, reasoning }: ModelDecision,
  licences: ReadonlyArray<Licence>,
  incomplete: boolean
): Result.Result<ModelAnswer, AnswerFault> => {
  const sum = given.BUY + given.SELL + given.HOLD
  if (Math.abs(sum - 1) > SUM_TOLERANCE) return fault("probabilities", "must add up to 1")
  const probabilities = { BUY: given.BUY / sum, SELL: given.SELL / sum, HOLD: given.HOLD / sum }
  const taken = { decision, confidence: probabilities[decision], probabilities, reasoning }
  const answer = { decision: taken, licences }
  const contradicted = (field: string, rule: string, said: Resolved["said"], meant: Resolved["taken"]) =>
    Result.succeed({ ...answer, resolved: { field, rule, said, taken: meant } })
  if (incomplete) {
    return contradicted("probabilities", "must hold BUY, SELL and HOLD", null, "what confidence leaves, in halves")
  }
  if (given[decision] < Math.max(given.BUY, given.SELL, given.HOLD)) {
    return contradicted("decision", "must be the one with the greatest probability", decision, decision)
  }
  if (Math.abs(confidence - taken.confidence) > CONFIDENCE_TOLERANCE + 1e-9) {
    return contradicted("confidence", "must be the probability of the decision", confidence, taken.confidence)
  }
  return Result.succeed(answer)
}

const fault = (field: string, rule: string) => Result.fail({ field, rule })

const inCapitals = (value: unknown, noted: Set<Licence>): unknown => {
  if (typeof value !== "string") return value
  const word = value.trim().toUpperCase()
  if (word !== value && isDecision(word)) noted.add("letters")
  return isDecision(word) ? word : value
}

const isDecision = Schema.is(Decision)

/** Above 1, and not above 100. */
const isPercent = (value: unknown): value is number => typeof value === "number" && value > 1 && value <= 100

const PERCENT_SUM = 100

/** The probabilities as fractions; one that is not there is 0 where the others add up to 1. Nothing where there are none at all. */
const sharesOf = (
  given: unknown,
  take: (number: ReturnType<typeof numberIn>) => unknown,
  noted: Set<Licence>
): unknown => {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given
  const { members, licences } = membersOf(Object(given), Decision.literals)
  for (const each of licences) noted.add(each)
  if (members.size === 0) return undefined
  const shares = new Map([...members].map(([name, share]) => [name, take(numberIn(share))]))
  const numbers = [...shares.values()].filter((share) => typeof share === "number")
  const sum = numbers.reduce((all, share) => all + share, 0)
  const near = (whole: number) => Math.abs(sum - whole) <= SUM_TOLERANCE * whole
  const inPercent = numbers.length === shares.size && near(PERCENT_SUM) && numbers.every((share) => share >= 0)
  if (inPercent) noted.add("percent")
  const missing = near(1) || inPercent ? 0 : undefined
  return Object.fromEntries(
    Decision.literals.map((name) => {
      const share = shares.get(name)
      return [name, inPercent && typeof share === "number" ? share / PERCENT_SUM : (share ?? missing)]
    })
  )
}

/** What confidence leaves is shared by the two other decisions. */
const restOf = (decision: unknown, confidence: unknown): unknown => {
  if (typeof confidence !== "number" || !isDecision(decision)) return undefined
  const rest = (1 - confidence) / 2
  return { BUY: rest, SELL: rest, HOLD: rest, [decision]: confidence }
}

const wordsOf = (value: unknown): unknown => {
  if (value === undefined) return ""
  const text = Array.isArray(value) && value.every((each) => typeof each === "string") ? value.join(" ") : value
  return typeof text === "string" ? text.slice(0, REASONING_MAX) : text
}

const faultOf = (error: Schema.SchemaError): AnswerFault => {
  const issue = format(error.issue).issues[0]
  const path = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")
  return { field: path, rule: RULES[path] ?? (issue?.message ?? "is not valid").toLowerCase() }
}

const share = "must be a number from 0 to 1"
const RULES: { readonly [field: string]: string } = {
  decision: "must be BUY, SELL or HOLD",
  confidence: share,
  probabilities: "must hold BUY, SELL and HOLD, each a number from 0 to 1",
  "probabilities.BUY": share,
  "probabilities.SELL": share,
  "probabilities.HOLD": share,
  reasoning: `must be a text of at most ${REASONING_MAX} characters`
}

/** The fault as one sentence. */
export const faultText = ({ field, rule }: AnswerFault): string =>
  field === "" ? `the answer ${rule}` : `\`${field}\` ${rule}`
