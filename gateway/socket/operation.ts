import { Schema } from "effect"
import { ClientOperation, type ErrorData } from "../../protocols/index.ts"
import { type Fault, faultOf } from "../failures/fault.ts"

/** The JSON of a frame. */
export const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
/** The operation that a JSON value is. */
export const decodeOperation = Schema.decodeUnknownResult(ClientOperation)
const hasId = Schema.is(Schema.Struct({ id: Schema.String.check(Schema.isMaxLength(64)) }))
const hasOp = Schema.is(
  Schema.Struct({ op: Schema.Literals(ClientOperation.members.map(({ fields }) => fields.op.literal)) })
)
const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))
const hasPattern = Schema.is(Schema.Struct({ pattern: Schema.Unknown }))

/** The id of an operation, also of one that is not valid. */
export const readId = (json: unknown): string | null => (hasId(json) ? json.id : null)

/** What is wrong with an operation. */
export const describe = (error: Schema.SchemaError, json: unknown): Fault & { readonly code: ErrorData["code"] } => {
  const code = "invalid_operation"
  if (!isObject(json)) return { code, field: "", rule: "an operation is a JSON object" }
  if (!hasOp(json)) {
    const names = ClientOperation.members.map(({ fields }) => fields.op.literal).join(", ")
    return { code, field: "op", rule: `must be one of ${names}` }
  }
  const fault = faultOf(error)
  return fault.field === "pattern" && hasPattern(json) ? { code: "invalid_pattern", ...fault } : { code, ...fault }
}
