import type { events, GapData, subjects } from "../protocols/index.ts"

type Kinds = typeof events

/** An event as a subscription gives it. */
export type EventOf<K extends keyof Kinds> = {
  readonly [T in K]: {
    readonly type: T
    /** Its place in the stream: within one subscription it always grows. */
    readonly seq: number
    readonly subject: string
    readonly data: Kinds[T]["data"]["Type"]
  }
}[K]

export type AnyEvent = EventOf<keyof Kinds>

type ForAllSubjects<T extends { readonly [First in keyof typeof subjects]: keyof Kinds }> = T

/** What is published under each first token. */
type KindOf = ForAllSubjects<{
  readonly decision: "agent_decision"
  readonly tool: "tool_execution"
  readonly model: "model_call"
  readonly coordination: "agent_coordination"
  readonly status: "agent_status"
  readonly market: "market_update"
  readonly order: "order_update"
  readonly portfolio: "portfolio_update"
  readonly alert: "alert"
}>

/** The events under a pattern, as its first token says. */
export type EventUnder<P extends string> = P extends `${infer First}.${string}`
  ? First extends keyof KindOf
    ? EventOf<KindOf[First]>
    : AnyEvent
  : AnyEvent

/** Events that a subscription does not get. */
export type Gap = Omit<GapData, "id">

/** What the connection is doing. `waiting`: it is down, and tried again after a moment. */
export type State = "connecting" | "open" | "waiting" | "closed"

/** The gateway refused something. `code` is that of its `error` frame. */
export class GatewayError extends Error {
  override readonly name = "GatewayError"
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** No answer came: the connection broke, or it took too long. What was asked may have been done. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer"
}

/** A frame as it comes; what is in it depends on its type. */
export interface Incoming {
  readonly type: string
  readonly seq: number | null
  readonly subject: string | null
  readonly data: Record<string, unknown>
  readonly sub?: string
}

/** Whether a frame is an event. What is in its data is as the gateway's schemas say. */
export const isEvent = (frame: Incoming): frame is Incoming & AnyEvent =>
  typeof frame.sub === "string" && typeof frame.seq === "number" && typeof frame.subject === "string"

export const gapOf = ({ reason, from, to, count }: Record<string, unknown>): Gap => ({
  reason: reason === "slow" || reason === "ahead" ? reason : "expired",
  from: Number(from),
  to: Number(to),
  count: typeof count === "number" ? count : null
})

/** What the gateway did not answer is asked for otherwise; what it refused is refused. */
export const unlessRefused = (error: unknown): undefined => {
  if (error instanceof GatewayError) throw error
  return undefined
}

/** The id of an operation, a random UUID; `crypto.randomUUID` is not there on pages that came without TLS. */
export const newId = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}
