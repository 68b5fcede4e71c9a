import { Result, Schema, type SchemaIssue, SchemaParser } from "effect"
import { ConnectionOperation, type ErrorData, OperationId } from "../../protocols/index.ts"
import { type Fault, faultOf } from "../failures/fault.ts"
import { operations, type SocketOperation } from "../operations/table/index.ts"
import type { AskOperation } from "./question.ts"

/** The JSON of a frame. */
export const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const hasId = Schema.is(Schema.Struct({ id: Schema.String.check(Schema.isMaxLength(64)) }))
const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))

/** The id of an operation, also of one that is not valid. */
export const readId = (json: unknown): string | null => (hasId(json) ? json.id : null)

const decodeConnectionOperation = SchemaParser.decodeUnknownResult(ConnectionOperation)
const decodeId = SchemaParser.decodeUnknownResult(Schema.Struct({ id: OperationId }))

type Reader = (json: unknown) => Result.Result<ConnectionOperation | AskOperation, SchemaIssue.Issue>

const asking =
  (operation: AskOperation["operation"], { op, read }: SocketOperation<unknown>): Reader =>
  (json) =>
    Result.flatMap(decodeId(json), ({ id }) => Result.map(read(json), (asked) => ({ op, id, operation, ...asked })))

/** What reads each operation, by its name. Of several with one name the last of the table comes first, and tells what is wrong. */
const readers: ReadonlyMap<string, ReadonlyArray<Reader>> = operations.reduce(
  (found, operation) => {
    const { socket } = operation
    return socket === undefined
      ? found
      : found.set(socket.op, [asking(operation, socket), ...(found.get(socket.op) ?? [])])
  },
  new Map<string, ReadonlyArray<Reader>>(
    ConnectionOperation.members.map((member) => [member.fields.op.literal, [decodeConnectionOperation]])
  )
)

/** The operation that a JSON value is, or what is wrong with it. */
export const readOperation = (
  json: unknown
): Result.Result<ConnectionOperation | AskOperation, Fault & { readonly code: ErrorData["code"] }> => {
  const code = "invalid_operation"
  if (!isObject(json)) return Result.fail({ code, field: "", rule: "an operation is a JSON object" })
  const [first, ...others] = readersOf(json)
  if (first === undefined) {
    return Result.fail({ code, field: "op", rule: `must be one of ${[...readers.keys()].join(", ")}` })
  }
  const read = first(json)
  if (Result.isSuccess(read)) return Result.succeed(read.success)
  for (const other of others) {
    const next = other(json)
    if (Result.isSuccess(next)) return Result.succeed(next.success)
  }
  const fault = faultOf({ issue: read.failure })
  return Result.fail({ code: fault.field === "pattern" && "pattern" in json ? "invalid_pattern" : code, ...fault })
}

const readersOf = ({ op }: { readonly [name: string]: unknown }): ReadonlyArray<Reader> =>
  (typeof op === "string" ? readers.get(op) : undefined) ?? []
