import type { Entry } from "../../log.ts"

/** What an alert of the runtime says. */
interface Alert {
  readonly severity: "warning" | "critical"
  readonly code: string
  /** A sentence for whoever has to do something about it. */
  readonly message: string
  /** Since when it is so, in milliseconds since 1970. */
  readonly at: number
}

/** An alert as an event, under `alert.<severity>`, with what else belongs to its code. */
export const alertEntry = (
  { at, ...alert }: Alert,
  rest: Readonly<Record<string, string | number | ReadonlyArray<string>>>
): Entry => ({
  kind: "event",
  subject: `alert.${alert.severity}`,
  payload: JSON.stringify({ type: "alert", data: { ...alert, ...rest, timestamp: new Date(at).toISOString() } })
})
