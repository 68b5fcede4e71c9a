import { Effect, Schema } from "effect"
import { addressFault } from "../address.ts"
import type { Recording } from "./recording.ts"

// An exported journal is a text of JSON lines: a header, the journal's records, mail that was still there, and a last line
// that counts both, so that a file that was cut is not taken for a shorter story. Records and mail are the very texts that
// were stored: a record's checksum is over its text.

/** A file is no exported journal, or is damaged: `line` (from 1) and the rule that it breaks. */
export class InvalidExport extends Schema.TaggedError<InvalidExport>()("InvalidExport", {
  line: Schema.Int,
  rule: Schema.String
}) {
  override get message() {
    return `line ${this.line}: ${this.rule}`
  }
}

/** The version of the format that is written, and the newest that is read. */
export const EXPORT_VERSION = 1

const Sequence = Schema.Int.check(Schema.isGreaterThan(0))

/** The first line, as every version has it. */
const Format = Schema.Struct({ format: Schema.Literal("conclave-journal"), version: Schema.Int })

const Header = Schema.Struct({
  ...Format.fields,
  namespace: Schema.String,
  type: Schema.String,
  id: Schema.String,
  /** The label of the nodes that may run it, where its protocol names one. */
  role: Schema.optionalKey(Schema.String)
})

const Line = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("record"), sequence: Sequence, payload: Schema.String }),
  Schema.Struct({ kind: Schema.Literal("mail"), sequence: Sequence, time: Schema.Int, payload: Schema.String }),
  Schema.Struct({ kind: Schema.Literal("end"), records: Schema.Int, mail: Schema.Int })
])

/** What an exported journal holds. */
export interface Exported {
  /** The namespace that it was read from. */
  readonly namespace: string
  readonly recording: Recording
}

/** An actor's journal as the text of a file. */
export const formatExport = ({ namespace, recording }: Exported): string => {
  const { address, records, mail } = recording
  const { type, id, role } = address
  const version = EXPORT_VERSION
  const lines: ReadonlyArray<unknown> = [
    { format: "conclave-journal", version, namespace, type, id, ...(role !== undefined && { role }) },
    ...records.map(({ sequence, payload }) => ({ kind: "record", sequence, payload })),
    ...mail.map(({ sequence, time, payload }) => ({ kind: "mail", sequence, time, payload })),
    { kind: "end", records: records.length, mail: mail.length }
  ]
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`
}

/** Reads what `formatExport` wrote. Whether the records can be read is another matter: replaying says it. */
export const parseExport = (text: string): Effect.Effect<Exported, InvalidExport> =>
  Effect.try({
    try: () => parse(text),
    catch: (cause) => (cause instanceof InvalidExport ? cause : new InvalidExport({ line: 1, rule: String(cause) }))
  })

const decodeFormat = Schema.decodeUnknownSync(Schema.fromJsonString(Format))
const decodeHeader = Schema.decodeUnknownSync(Schema.fromJsonString(Header))
const decodeLine = Schema.decodeUnknownSync(Schema.fromJsonString(Line))

const parse = (text: string): Exported => {
  const lines = text.split("\n")
  if (lines.at(-1) === "") lines.pop()
  const { namespace, type, id, role } = parseHeader(lines[0] ?? "")
  const records: Array<Recording["records"][number]> = []
  const mail: Array<Recording["mail"][number]> = []
  const recording = { address: { type, id, ...(role !== undefined && { role }) }, records, mail }
  for (let index = 1; index < lines.length; index++) {
    const number = index + 1
    const line = onLine(number, () => decodeLine(lines[index]), "it is no record, mail or end of an exported journal")
    if (line.kind === "end") {
      if (line.records !== records.length || line.mail !== mail.length) {
        const found = `${records.length} records and ${mail.length} messages`
        refuse(number, `it counts ${line.records} records and ${line.mail} messages, and before it are ${found}`)
      }
      if (number < lines.length) refuse(number + 1, "nothing may follow the end")
      return { namespace, recording }
    }
    const before = (line.kind === "record" ? records : mail).at(-1)?.sequence ?? 0
    if (line.sequence <= before) refuse(number, `${line.kind} ${line.sequence} cannot follow ${line.kind} ${before}`)
    if (line.kind === "record") records.push({ sequence: line.sequence, payload: line.payload })
    else mail.push({ sequence: line.sequence, time: line.time, payload: line.payload })
  }
  return refuse(lines.length + 1, "the end is missing: the file was cut")
}

const parseHeader = (text: string): typeof Header.Type => {
  const { version } = onLine(1, () => decodeFormat(text), "it is no exported journal of Conclave")
  if (version !== EXPORT_VERSION) {
    refuse(1, `it is of version ${version} of the format, and this program reads ${EXPORT_VERSION}`)
  }
  const header = onLine(1, () => decodeHeader(text), "it does not say whose journal it is")
  const fault = addressFault(header)
  return fault === undefined ? header : refuse(1, fault.message)
}

const onLine = <A>(line: number, decode: () => A, rule: string): A => {
  try {
    return decode()
  } catch {
    return refuse(line, rule)
  }
}

const refuse = (line: number, rule: string): never => {
  throw new InvalidExport({ line, rule })
}
