import { type Schema, SchemaIssue } from "effect"

/** What is wrong with something a client sent, in words for that client. Short, whatever was sent. */
export interface Fault {
  /** The path of the field, `bars[3].high`; empty where the whole is meant. */
  readonly field: string
  readonly rule: string
}

const FIELD_LENGTH_MAX = 64

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first fault of a failed decoding. Holds rules and names, never the value: it may be a secret or a megabyte. */
export const faultOf = (error: Pick<Schema.SchemaError, "issue">): Fault => {
  const issue = format(error.issue).issues[0]
  const path = (issue?.path ?? []).map((step) => (typeof step === "object" ? step.key : step))
  return { field: clip(formatPath(path)), rule: RULES[issue?.message ?? ""] ?? issue?.message ?? "is not valid" }
}

/** The fault as one clause: "`symbol`: a symbol is …". */
export const formatFault = (fault: Fault): string =>
  fault.field === "" ? fault.rule : `\`${fault.field}\`: ${fault.rule}`

// What the decoder says in the terms of its author, in the terms of who sent the value.
const RULES: { readonly [message: string]: string } = {
  "Missing key": "this field is required",
  "Expected no excess property": "there is no such field",
  "Expected object": "expected a JSON object",
  "Expected string": "expected a string",
  "Expected number": "expected a number"
}

const formatPath = (path: ReadonlyArray<PropertyKey>): string => {
  let text = ""
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`
    else text += text === "" ? String(step) : `.${String(step)}`
  }
  return text
}

const clip = (text: string): string => (text.length > FIELD_LENGTH_MAX ? `${text.slice(0, FIELD_LENGTH_MAX)}…` : text)
