import { type Fault, formatFault } from "./fault.ts"

/** Why something is not done, as a client may know it, whatever protocol it speaks. */
export interface Failure {
  /** As HTTP has them (RFC 9110); over a WebSocket it decides the code of the `error` frame. */
  readonly status: number
  /** Names the kind of failure, for programs. */
  readonly code: string
  readonly title: string
  /** What is wrong and what helps, for people. */
  readonly detail: string
  /** The field of what was sent that is meant. */
  readonly field?: string
  /** After so many whole seconds it may be tried again. */
  readonly retrySeconds?: number
  /** What HTTP has to say besides. */
  readonly headers?: { readonly [name: string]: string }
  /** Nothing more is read from the connection. */
  readonly close?: true
}

/** 400: what was sent breaks a rule, and which. */
export const invalidRequest = (fault: Fault): Failure => ({
  status: 400,
  code: "invalid-request",
  title: "The request is not valid",
  detail: formatFault(fault),
  ...(fault.field === "" ? {} : { field: fault.field })
})

/** 403: the token or key does not allow it. `what` ends a sentence. */
export const forbiddenOperation = (what: string): Failure => ({
  status: 403,
  code: "forbidden",
  title: "This is not allowed to you",
  detail: `your token or key does not allow ${what}`
})

/** 413: `detail` says of what there is too much. */
export const tooLarge = (detail: string): Failure => ({
  status: 413,
  code: "body-too-large",
  title: "The body is too large",
  detail
})

/** 429: something comes faster than it may. `detail` says what, and by which rule. */
export const rateLimited = (title: string, detail: string): Failure => ({
  status: 429,
  code: "rate-limited",
  title,
  detail,
  retrySeconds: 1
})

/** 500, without a word of what went wrong inside. */
export const internal = (): Failure => ({
  status: 500,
  code: "internal",
  title: "The request failed",
  detail: "something failed inside; the log says what, under the correlation id"
})

/** 503: trying again later helps. */
export const unavailable = (code: string, detail: string, retrySeconds: number): Failure => ({
  status: 503,
  code,
  title: "Not available now",
  detail,
  retrySeconds: Math.max(1, Math.ceil(retrySeconds))
})

/** 504: no answer came in time. */
export const timedOut = (title: string, detail: string): Failure => ({ status: 504, code: "timeout", title, detail })
