import { writeFile } from "node:fs/promises"
import { Console, Effect, Option, Schema } from "effect"
import { Flag } from "effect/cli"
import { jsonLines } from "./json-lines.ts"

/** A report could not be written. */
export class ReportNotWritten extends Schema.TaggedError<ReportNotWritten>()("ReportNotWritten", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `the report could not be written to ${this.file}: ${this.detail}`
  }
}

export const outputFlags = {
  json: Flag.Boolean("json").pipe(Flag.withDescription("As JSON"), Flag.withDefault(false)),
  html: Flag.String("html").pipe(
    Flag.withDescription("Also write a page to look at, in one file that loads nothing"),
    Flag.withMetavar("FILE"),
    Flag.optional
  )
}

export interface Output {
  readonly text: () => string
  readonly data: unknown
  readonly page: () => string
}

/** Prints a report as it is wanted, and writes its page. */
export const printReport = (given: { readonly json: boolean; readonly html: Option.Option<string> }, output: Output) =>
  Effect.gen(function* () {
    if (Option.isSome(given.html)) {
      const file = given.html.value
      yield* Effect.tryPromise({
        try: () => writeFile(file, output.page()),
        catch: (cause) =>
          new ReportNotWritten({ file, detail: cause instanceof Error ? cause.message : "the reason is not known" })
      })
    }
    if (given.json) yield* Effect.forEach(jsonLines(output.data), (line) => Console.log(line), { discard: true })
    else yield* Console.log(output.text())
    if (Option.isSome(given.html) && !given.json) yield* Console.log(`\nThe page is ${given.html.value}.`)
  })
