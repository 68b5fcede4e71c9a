// The truths of `EventLog`, for every way to read events. What one does otherwise is no `EventLog`.
import { layer } from "@effect/vitest"
import type { Layer } from "effect"
import { eventFollowing } from "./event-following.ts"
import type { EventHarness } from "./event-harness.ts"
import { eventReading } from "./event-reading.ts"

/** Holds a way to read events to all of them. */
export const eventConformance = (name: string, harness: Layer.Layer<EventHarness, unknown>, timeout?: number): void => {
  const parts = { "are read": eventReading, "are followed": eventFollowing }
  for (const [part, truths] of Object.entries(parts)) {
    layer(harness, { excludeTestServices: true, ...(timeout !== undefined && { timeout }) })(
      `${name} ${part}:`,
      (it) => {
        for (const [truth, shown] of Object.entries(truths)) it.effect(truth, () => shown, timeout)
      }
    )
  }
}
