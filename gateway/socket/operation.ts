import { Result, Schema } from "effect"
import { ConnectionOperation, type ErrorData } from "../../protocols/index.ts"
import { type Fault, faultOf } from "../failures/fault.ts"
import { operations, type SocketOperation } from "../operations/table/index.ts"
import type { AskOperation } from "./question.ts"

/** The JSON of a frame. */
export const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const hasId = Schema.is(Schema.Struct({ id: Schema.String.check(Schema.isMaxLength(64)) }))
const hasOp = Schema.is(Schema.Struct({ op: Schema.String }))
const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))
const hasPattern = Schema.is(Schema.Struct({ pattern: Schema.Unknown }))
const decodeConnectionOperation = Schema.decodeUnknownResult(ConnectionOperation)

/** The id of an operation, also of one that is not valid. */
export const readId = (json: unknown): string | null => (hasId(json) ? json.id : null)

type Reader = (json: unknown) => Result.Result<ConnectionOperation | AskOperation, Schema.SchemaError>

const asking =
  (operation: AskOperation["operation"], { op, read }: SocketOperation<unknown>): Reader =>
  (json) =>
    Result.map(read(json), (asked) => ({ op, operation, ...asked }))

/** What reads each operation, by its name. Of several with one name the last of the table comes first, and tells what is wrong. */
const readers: ReadonlyMap<string, ReadonlyArray<Reader>> = operations.reduce(
  (found, operation) => {
    const { socket } = operation
    return socket === undefined
      ? found
      : found.set(socket.op, [asking(operation, socket), ...(found.get(socket.op) ?? [])])
  },
  new Map<string, ReadonlyArray<Reader>>(
    ConnectionOperation.members.map(({ fields }) => [fields.op.literal, [decodeConnectionOperation]])
  )
)

/** The operation that a JSON value is, or what is wrong with it. */
export const readOperation = (
  json: unknown
): Result.Result<ConnectionOperation | AskOperation, Fault & { readonly code: ErrorData["code"] }> => {
  const code = "invalid_operation"
  if (!isObject(json)) return Result.fail({ code, field: "", rule: "an operation is a JSON object" })
  const [first, ...others] = (hasOp(json) ? readers.get(json.op) : undefined) ?? []
  if (first === undefined) {
    return Result.fail({ code, field: "op", rule: `must be one of ${[...readers.keys()].join(", ")}` })
  }
  const read = first(json)
  const fitting = Result.isSuccess(read) ? read : (others.map((reader) => reader(json)).find(Result.isSuccess) ?? read)
  return Result.mapError(fitting, (error) => {
    const fault = faultOf(error)
    return fault.field === "pattern" && hasPattern(json) ? { code: "invalid_pattern", ...fault } : { code, ...fault }
  })
}
