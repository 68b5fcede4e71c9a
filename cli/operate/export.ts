// `conclave export`: an actor's journal as a file, and such a file read again.
import { readFile, stat, writeFile } from "node:fs/promises"
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { type Exported, formatAddress, formatExport, parseExport } from "../../runtime/index.ts"
import { configuration } from "../config.ts"
import { counted } from "../table.ts"
import { operate, operatorFlags, parseActor } from "./operate.ts"

/** A file of a journal cannot be read or written; the sentence says why, and where in it. */
export class ExportFileError extends Schema.TaggedError<ExportFileError>()("ExportFileError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file}: ${this.detail}`
  }
}

const BYTES_MAX = 512 * 1024 * 1024
/** It holds what actors were told: only its owner may read it. */
const MODE = 0o600

/** The journal in a file that `conclave export` wrote. */
export const readExport = (file: string): Effect.Effect<Exported, ExportFileError> =>
  Effect.gen(function* () {
    const failed = (detail: string) => new ExportFileError({ file, detail })
    const found = yield* Effect.tryPromise({ try: () => stat(file), catch: (cause) => failed(reasonOf(cause)) })
    if (!found.isFile()) return yield* failed("it is no file")
    if (found.size > BYTES_MAX) return yield* failed(`it has ${found.size} bytes, and the limit is ${BYTES_MAX}`)
    const text = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (cause) => failed(reasonOf(cause))
    })
    return yield* parseExport(text).pipe(Effect.mapError((error) => failed(error.message)))
  })

const writeExport = (file: string, exported: Exported): Effect.Effect<void, ExportFileError> =>
  Effect.tryPromise({
    try: () => writeFile(file, formatExport(exported), { mode: MODE, flag: "wx" }),
    catch: (cause) => new ExportFileError({ file, detail: reasonOf(cause) })
  })

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: "it is there already",
  ENOENT: "there is no such file",
  EACCES: "it may not be read or written"
}

const reasonOf = (cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  return REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause))
}

/** `conclave export`. */
export const exportJournal = Command.make(
  "export",
  {
    actor: Argument.String("actor").pipe(Argument.withDescription("The actor, such as consensus/01HNZX8JGF")),
    to: Flag.String("to").pipe(Flag.withDescription("The file to write, a new one"), Flag.withMetavar("FILE")),
    ...operatorFlags
  },
  (given) =>
    operate(given, (operators) =>
      Effect.gen(function* () {
        const { namespace } = yield* configuration
        const recording = yield* operators.recording(yield* parseActor(given.actor))
        yield* writeExport(given.to, { namespace, recording })
        const { address, records, mail } = recording
        const held = `${counted(records.length, "record")} and ${counted(mail.length, "message")}`
        return {
          text: `${formatAddress(address)}: ${held} in ${given.to}`,
          json: { type: address.type, id: address.id, records: records.length, mail: mail.length, file: given.to }
        }
      })
    )
).pipe(
  Command.withDescription("Write an actor's journal into a file, by which it can be replayed without the server"),
  Command.withExamples([
    {
      command: "npx conclave export consensus/01HNZX8JGF --to round.jsonl",
      description: "A round, to be replayed elsewhere"
    }
  ])
)
