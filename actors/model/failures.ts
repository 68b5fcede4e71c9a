// What the AI SDK, its providers and Node's fetch throw, as the kinds of failure that we know.
import { APICallError, NoSuchModelError } from "ai"
import type { ModelErrorKind } from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { TOO_LARGE } from "./bounded-fetch.ts"
import type { Redaction } from "./redaction.ts"
import { isOutOfCredit, refusalWords, serverWords } from "./server-words.ts"

export interface ModelFailure {
  readonly kind: ModelErrorKind
  readonly detail: string
  readonly retry_after_ms?: number
}

const DETAIL_CHARACTERS_MAX = 300

/** Names the failure behind whatever was thrown. Never shows a request, a header, a key or more than the server's own first words. */
export const failureOf = (thrown: unknown, redaction: Redaction): ModelFailure => {
  const chain = causesOf(thrown)
  const call = chain.find((each) => APICallError.isInstance(each))
  if (APICallError.isInstance(call) && call.statusCode !== undefined && call.statusCode >= 300)
    return byStatus(call, redaction)
  const said = chain.map((each) => (each instanceof Error ? `${each.name}: ${each.message}` : String(each))).join(" ← ")
  const text = redaction.text(said)
  const codes = chain.map((each) => String(Object(each).code ?? ""))
  if (chain.some((each) => NoSuchModelError.isInstance(each))) return { kind: "rejected", detail: clip(text) }
  if (codes.some((code) => REFUSED.test(code)) || /bad port/.test(text)) {
    return { kind: "refused", detail: `no connection (${codes.find((code) => REFUSED.test(code)) ?? "bad port"})` }
  }
  if (/unexpected redirect/i.test(text))
    return { kind: "rejected", detail: "it sends us elsewhere, and we do not follow" }
  if (text.includes(TOO_LARGE)) return { kind: "malformed", detail: TOO_LARGE }
  if (/abort/i.test(text)) return { kind: "interrupted", detail: "the call was interrupted" }
  if (
    codes.some((code) => BROKEN_OFF.test(code)) ||
    /terminated|other side closed|premature|end of JSON|Unterminated/i.test(text)
  ) {
    return { kind: "truncated", detail: "the answer broke off" }
  }
  const malformed = chain.some(
    (each) =>
      each instanceof Error &&
      /JSONParse|TypeValidation|InvalidResponse|EmptyResponse|NoContent|NoOutput/.test(each.name)
  )
  if (malformed || APICallError.isInstance(call)) {
    return { kind: "malformed", detail: "what came is not in the provider's format" }
  }
  return { kind: "defect", detail: clip(text) }
}

const REFUSED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/
const BROKEN_OFF = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH|HPE_[A-Z_]+)$/

/** What a server says against a request as it is, that may be put in another way; nothing where it failed otherwise. */
export const refusalOf = (thrown: unknown): string | undefined => {
  const call = causesOf(thrown).find((each) => APICallError.isInstance(each))
  if (!APICallError.isInstance(call)) return undefined
  const { statusCode = 0, responseBody = "" } = call
  return statusCode < 400 || OF_ANOTHER_KIND.has(statusCode) ? undefined : (refusalWords(responseBody) ?? call.message)
}

/** Refusals that no other body would avoid. */
const OF_ANOTHER_KIND: ReadonlySet<number> = new Set([401, 402, 403, 404, 408, 413, 429, 502, 503, 504, 529])

const byStatus = (error: APICallError, redaction: Redaction): ModelFailure => {
  const status = error.statusCode ?? 0
  const detail = `status ${status}: ${clip(redaction.text(wordsOf(error)))}`
  if (status === 402 || (status < 500 && isOutOfCredit(error.responseBody ?? "")))
    return { kind: "unauthorized", detail }
  if (status === 429 || status === 529) {
    return omitUndefined({ kind: "rate_limited", detail, retry_after_ms: retryAfter(error.responseHeaders ?? {}) })
  }
  if (status >= 500) {
    return omitUndefined({ kind: "server_error", detail, retry_after_ms: retryAfter(error.responseHeaders ?? {}) })
  }
  if (status === 401 || status === 403) return { kind: "unauthorized", detail }
  if (status === 408) return { kind: "timeout", detail }
  return { kind: "rejected", detail }
}

const LONGEST_WAIT_SECONDS = 3_600

/** Milliseconds of a `Retry-After` header in seconds; a date would need a clock that agrees with the server's. */
const retryAfter = (headers: { readonly [name: string]: string | undefined }): number | undefined => {
  const text = Object.entries(headers).find(([name]) => name.toLowerCase() === "retry-after")?.[1] ?? ""
  return /^\d{1,7}(\.\d+)?$/.test(text) ? 1_000 * Math.min(Number(text), LONGEST_WAIT_SECONDS) : undefined
}

/** What the server said, wherever it stands in its body, or the words of its status. */
const wordsOf = (error: APICallError): string => serverWords(error.responseBody ?? "") ?? error.message

const CAUSES_MAX = 6

const causesOf = (thrown: unknown): ReadonlyArray<unknown> => {
  const chain: Array<unknown> = []
  for (let each = thrown; each !== undefined && each !== null && chain.length < CAUSES_MAX; ) {
    chain.push(each)
    const { cause, lastError } = Object(each)
    each = cause ?? lastError
  }
  return chain
}

const clip = (text: string): string => {
  const line = text.replace(/\s+/g, " ")
  return line.length > DETAIL_CHARACTERS_MAX ? `${line.slice(0, DETAIL_CHARACTERS_MAX)}…` : line
}
