import { Duration, Schema, SchemaTransformation } from "effect"

/** One variable: what it is for, its default as it would be written, the rule for its value, and how it is read. */
export interface SettingSpec<A> {
  readonly variable: string
  /** Empty: unset unless given. */
  readonly default: string
  readonly about: string
  /** Begins with "must be". */
  readonly rule: string
  readonly schema: Schema.Codec<A, string>
  /** Its value is secret, and never shown. */
  readonly hidden?: boolean
}

/** A setting, with the type of its value inferred. */
export const setting = <A>(spec: SettingSpec<A>): SettingSpec<A> => spec

export const matching = (pattern: RegExp) => Schema.String.check(Schema.isPattern(pattern))

export const wholeNumber = (minimum: number, maximum: number): Schema.Codec<number, string> =>
  matching(/^\d{1,12}$/).pipe(
    Schema.decodeTo(
      Schema.Int.check(Schema.isBetween({ minimum, maximum })),
      SchemaTransformation.transform({ decode: Number, encode: String })
    )
  )

/** One of some words, in any case. */
export const word = <const L extends ReadonlyArray<string>>(words: L): Schema.Codec<L[number], string> => {
  const proper = (text: string) => words.find((candidate) => candidate.toLowerCase() === text.toLowerCase()) ?? text
  return Schema.String.pipe(
    Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: proper, encode: (text) => text })),
    Schema.decodeTo(Schema.Literals(words))
  )
}

/** A time no shorter and no longer than these. */
export const durationBetween = (
  minimum: Duration.Input,
  maximum: Duration.Input
): Schema.Codec<Duration.Duration, string> => {
  const range = { minimum: Duration.fromInputUnsafe(minimum), maximum: Duration.fromInputUnsafe(maximum) }
  return Schema.DurationFromString.check(Schema.makeFilter((duration) => Duration.between(duration, range)))
}

/** Items with commas between them that are sound together; `none` where there are none. */
export const listOf = <A extends string>(
  item: Schema.Codec<A, string>,
  sound: (items: ReadonlyArray<A>) => boolean
): Schema.Codec<ReadonlyArray<A>, string> =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.Array(item).check(Schema.makeFilter(sound)),
      SchemaTransformation.transform({
        decode: (text): ReadonlyArray<string> => (text === "none" ? [] : text.split(",").map((each) => each.trim())),
        encode: (items: ReadonlyArray<string>) => items.join(",")
      })
    )
  )
