import { formatAddress } from "../address.ts"
import { nameOf, parseEnvelope } from "../envelope.ts"
import type { StepRecord } from "../journal.ts"
import type { Entry } from "../log.ts"

/** What a step did besides its events, as data. Times are in milliseconds since 1970. */
export type ReplayedEffect =
  | { readonly effect: "timer"; readonly name: string; readonly at: number }
  | { readonly effect: "cancelled"; readonly name: string }
  | { readonly effect: "started"; readonly key: string; readonly activity: string; readonly input: unknown }
  | { readonly effect: "ended"; readonly key: string }
  | { readonly effect: "answered" | "refused"; readonly id: string; readonly body: unknown }
  | { readonly effect: "watched" | "unwatched"; readonly by: string }
  | { readonly effect: "parked"; readonly failure: string; readonly cause: string }
  | { readonly effect: "stopped" }
  /** The journal does not hold what a step sent and published: these are known by deciding again. */
  | { readonly effect: "sent"; readonly to: string; readonly message: string; readonly body: unknown }
  | { readonly effect: "published"; readonly subject: string; readonly event: unknown }

/** What a step did by its record. */
export const effectsOf = (step: StepRecord): ReadonlyArray<ReplayedEffect> => [
  ...Object.entries(step.timers ?? {}).map(([name, at]) => ({ effect: "timer", name, at }) as const),
  ...(step.cancelled ?? []).map((name) => ({ effect: "cancelled", name }) as const),
  ...Object.entries(step.started ?? {}).map(
    ([key, { activity, input }]) => ({ effect: "started", key, activity, input }) as const
  ),
  ...(step.ended ?? []).map((key) => ({ effect: "ended", key }) as const),
  ...Object.entries(step.answers ?? {}).map(([id, { outcome, body }]): ReplayedEffect => {
    return { effect: outcome === "ok" ? "answered" : "refused", id, body }
  }),
  ...Object.keys(step.watched ?? {}).map((by) => ({ effect: "watched", by }) as const),
  ...(step.unwatched ?? []).map((by) => ({ effect: "unwatched", by }) as const),
  ...(step.parked === undefined
    ? []
    : [{ effect: "parked", failure: step.failure ?? "unknown", cause: step.parked } as const]),
  ...(step.stopped === true ? [{ effect: "stopped" } as const] : [])
]

/** What a step stored besides its record, without what the record says. */
export const effectsIn = (entries: ReadonlyArray<Entry>): ReadonlyArray<ReplayedEffect> =>
  entries.flatMap((entry): ReadonlyArray<ReplayedEffect> => {
    if (entry.kind === "event") {
      const event: unknown = JSON.parse(entry.payload)
      return [{ effect: "published", subject: entry.subject, event }]
    }
    if (entry.kind !== "mail") return []
    const envelope = parseEnvelope(entry.payload)
    const body = envelope.kind === "outcome" ? envelope.result : envelope.body
    return [{ effect: "sent", to: formatAddress(entry.to), message: nameOf(envelope), body }]
  })
