import { Effect, Result, Schema, SchemaIssue } from "effect"
import type { BarWindow, PastDecision, ToolErrorKind } from "../../protocols/index.ts"

/** All that a tool may know. */
export interface ToolInput {
  readonly bars: BarWindow
  /** The latest joint decisions on the symbol, oldest first. */
  readonly past: ReadonlyArray<PastDecision>
}

/** What a tool says: its reading, or what there is too little of (its warm-up). */
export type Measurement<R> = { readonly _tag: "Measured"; readonly value: R } | ({ readonly _tag: "TooFew" } & Shortage)

export interface Shortage {
  readonly of: "bars" | "past decisions"
  readonly needed: number
  readonly have: number
}

/**
 * What became of one use of a tool: a result of finite numbers only, so that it is the same after JSON, or why there is
 * none.
 */
export type Attempt<R> =
  | { readonly _tag: "Success"; readonly value: R }
  | { readonly _tag: "Failure"; readonly kind: ToolErrorKind; readonly message: string }

/** A tool whatever its parameters and result are. */
export interface AnyTool {
  /** In snake_case, such as `rsi`. */
  readonly name: string
  /** What it says; read by people and given to models. */
  readonly about: string
  /** Where the formula is from. */
  readonly source: string
  /** The warm-up in words, by the parameters. */
  readonly warmUp: string
  /** The warm-up in bars when no parameter is given. */
  readonly neededByDefault: number
  /** Names of tools that can stand in for it, best first. */
  readonly substitutes: ReadonlyArray<string>
  /** Every field is optional, bounded and described with its unit. */
  readonly parameters: Schema.Codec<unknown, unknown>
  /** Every field is described with its unit. */
  readonly result: Schema.Codec<unknown, unknown>
  /** Checks parameters and warm-up, then measures. Throws only what the tool itself throws: a defect. */
  readonly attempt: (parameters: unknown, input: ToolInput) => Attempt<unknown>
}

/** A pure function of bars and past decisions, and what there is to know of it. */
export interface Tool<P, R> extends AnyTool {
  readonly parameters: Schema.Codec<P, unknown>
  readonly result: Schema.Codec<R, unknown>
  /** Its warm-up: how many bars the first reading takes. */
  readonly needed: (parameters: P) => number
  readonly measure: (input: ToolInput, parameters: P) => Measurement<R>
  readonly attempt: (parameters: unknown, input: ToolInput) => Attempt<R>
}

export interface Definition<P, R>
  extends Pick<
    Tool<P, R>,
    "name" | "about" | "source" | "warmUp" | "substitutes" | "parameters" | "result" | "needed"
  > {
  /** What else there is too little of, when the bars are enough. */
  readonly short?: (input: ToolInput, parameters: P) => Shortage | undefined
  /** The reading; called only when the warm-up is over. */
  readonly compute: (input: ToolInput, parameters: P) => R
}

/** A tool from its definition. Throws where a parameter has no default. */
export const defineTool = <P, R>({ short, compute, ...about }: Definition<P, R>): Tool<P, R> => {
  const decode = Schema.decodeUnknownResult(about.parameters, { onExcessProperty: "error" })
  const defaults = Schema.decodeUnknownSync(about.parameters)({})
  const measure = (input: ToolInput, parameters: P): Measurement<R> => {
    const needed = about.needed(parameters)
    const have = input.bars.time.length
    const shortage: Shortage | undefined = have < needed ? { of: "bars", needed, have } : short?.(input, parameters)
    if (shortage !== undefined) return { _tag: "TooFew", ...shortage }
    return { _tag: "Measured", value: compute(input, parameters) }
  }
  return {
    ...about,
    neededByDefault: about.needed(defaults),
    measure,
    attempt: (given, input) => {
      const decoded = decode(given)
      if (Result.isFailure(decoded)) return failure("invalid_input", `${about.name}: ${faultOf(decoded.failure)}`)
      const measured = measure(input, decoded.success)
      if (measured._tag === "TooFew") {
        const { of, needed, have } = measured
        return failure("insufficient_data", `${about.name} needs ${needed} ${of} and has ${have}`)
      }
      if (holdsNumbers(measured.value)) return { _tag: "Success", value: measured.value }
      return failure("not_finite", `${about.name} leaves the range of numbers on these prices`)
    }
  }
}

/** A field, described with its unit: `bars`, `price`, `fraction`, `0 to 100`, … */
export const described = <S extends Schema.Top>(schema: S, description: string, unit: string) =>
  schema.annotate({ description: `${description} (${unit})` })

/** A whole number that is `fallback` unless given. */
export const wholeNumber = (fallback: number, minimum: number, maximum: number, description: string, unit: string) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }))
    .annotate({ description: `${description} (${unit})` })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(fallback)))

/** A number that is `fallback` unless given. */
export const number = (fallback: number, minimum: number, maximum: number, description: string, unit: string) =>
  Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
    .annotate({ description: `${description} (${unit})` })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(fallback)))

/** A field of a result that is a number. */
export const reading = (description: string, unit: string) => described(Schema.Finite, description, unit)

const failure = (kind: ToolErrorKind, message: string): Attempt<never> => ({ _tag: "Failure", kind, message })

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** Which field breaks which rule. Never the value, which may be anything and of any length. */
const faultOf = (error: Schema.SchemaError): string => {
  const issue = format(error.issue).issues[0]
  const path = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")
  const rule = issue?.message ?? "is not valid"
  return `${path === "" ? "the parameters" : path.slice(0, 64)}: ${rule.charAt(0).toLowerCase()}${rule.slice(1)}`
}

const holdsNumbers = (value: unknown): boolean => {
  if (typeof value === "number") return Number.isFinite(value)
  return typeof value !== "object" || value === null || Object.values(value).every(holdsNumbers)
}
