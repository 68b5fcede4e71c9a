import { Duration, Option, Result, Schema, SchemaIssue } from "effect"

/** Something that a program gave cannot be used: `option` is its path, such as `gateway.port`, and `rule` what it has to keep. */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  rule: Schema.String
}) {
  override get message() {
    return `${this.option} ${this.rule}`
  }
}

/** What a program gives, checked: an option that there is not is refused as well. `whole` names what is given. It never tells the value. */
export const readOptions = <A>(
  schema: Schema.Decoder<A>,
  given: unknown,
  whole = "options"
): Result.Result<A, InvalidOption> => {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return Result.fail(new InvalidOption({ option: whole, rule: "must be an object" }))
  }
  return Result.mapError(Schema.decodeUnknownResult(schema, { onExcessProperty: "error" })(given), ({ issue }) => {
    const [first] = format(issue).issues
    const path = (first?.path ?? []).map((step) => (typeof step === "object" ? step.key : step))
    return new InvalidOption({ option: pathText(path) || whole, rule: ruleOf(first?.message) })
  })
}

/** A schema of what `is` tells, with a rule of its own. */
export const kept = <A>(is: (given: unknown) => given is A, rule: string) => Schema.declare(is, { message: rule })

const isFunction = (given: unknown): given is (...given: ReadonlyArray<never>) => unknown => typeof given === "function"
/** A function of the caller's. */
export const Callback = kept(isFunction, "must be a function")

/** A whole number from `minimum` to `maximum`. */
export const wholeBetween = (minimum: number, maximum: number) =>
  kept(
    (given): given is number => Number.isInteger(given) && Number(given) >= minimum && Number(given) <= maximum,
    `must be a whole number from ${minimum} to ${maximum}`
  )

/** A text that the pattern fits. */
export const textOf = (pattern: RegExp, rule: string) =>
  kept((given): given is string => typeof given === "string" && pattern.test(given), rule)

/** One of some words. */
export const oneOf = <const A extends string>(words: ReadonlyArray<A>) =>
  kept(
    (given): given is A => words.some((word) => word === given),
    `must be ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`
  )

const isTime = (given: unknown): given is Duration.Input =>
  Option.exists(Duration.fromInput(given as Duration.Input), (time) => Duration.toMillis(time) > 0)
/** How long something may take. */
export const Time = kept(isTime, "must be a duration of more than 0, such as 10 seconds or milliseconds as a number")

/** A yes or no. */
export const Switch = kept((given): given is boolean => typeof given === "boolean", "must be true or false")

/** The addresses of NATS servers, with commas between. */
export const NatsAddresses = kept(
  (given): given is string => typeof given === "string" && given.split(",").every((part) => isServer(part.trim())),
  "must be one or more nats:// or tls:// addresses, separated by commas"
)

const isServer = (part: string): boolean => {
  const address = part.includes("://") ? part : `nats://${part}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  return url !== undefined && /^(nats|tls):$/.test(url.protocol) && url.hostname !== ""
}

export const NAMESPACE_RULE = "must be 1 to 32 of a-z 0-9 _ and start with a letter"
export const Namespace = textOf(/^[a-z][a-z0-9_]{0,31}$/, NAMESPACE_RULE)
export const LogLevel = oneOf(["None", "Error", "Warn", "Info", "Debug"])

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** What the decoder says in the terms of its author, in the terms of who gave the value. What may be left out is a choice to it. */
const ruleOf = (message = "is not valid"): string => RULES[message.replace(" | undefined", "")] ?? message

const RULES: { readonly [message: string]: string } = {
  "Missing key": "must be given",
  "Expected no excess property": "is no such option",
  "Expected object": "must be an object",
  "Expected array": "must be a list",
  "Expected string": "must be a text"
}

const pathText = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`
    return text === "" ? String(step) : `${text}.${String(step)}`
  }, "")
