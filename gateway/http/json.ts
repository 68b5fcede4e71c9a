import { Result, Schema } from "effect"
import { NESTED, nestingFault } from "../../runtime/index.ts"
import type { Fault } from "../failures/fault.ts"
import type { OriginPolicy } from "../policy.ts"
import type { Reply } from "../uws.ts"

/** A reply that is JSON. */
export const json = (status: number, value: unknown, headers: Reply["headers"] = {}): Reply => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(value)
})

/** What lets pages of allowed origins read a reply. */
export const crossOrigin = (origin: string, policy: OriginPolicy): Reply["headers"] =>
  policy.allowedOrigins.includes(origin)
    ? { "access-control-allow-origin": origin, "access-control-expose-headers": "x-correlation-id", vary: "origin" }
    : {}

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** The JSON that a body is. */
export const readJson = (bytes: Uint8Array): Result.Result<unknown, Fault> => {
  const text = decodeText(bytes)
  const deep = Result.isSuccess(text) ? nestingFault(text.success) : undefined
  if (deep !== undefined) return Result.fail({ field: deep.field, rule: NESTED })
  return Result.mapError(Result.flatMap(text, parseJson), () => ({
    field: "",
    rule: "the body is not a whole JSON text in UTF-8"
  }))
}

const decodeText = (bytes: Uint8Array) =>
  Result.try({ try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes), catch: () => "not UTF-8" as const })
