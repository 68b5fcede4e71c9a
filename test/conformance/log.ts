// The truths of `ActorLog`, for every implementation of it. What one does otherwise is no `ActorLog`.
import { layer } from "@effect/vitest"
import type { Layer } from "effect"
import { appending } from "./append.ts"
import type { Harness } from "./harness.ts"
import { outside } from "./outside.ts"
import { reading } from "./reading.ts"
import { tailing } from "./tailing.ts"
import { timing } from "./timing.ts"

/** Holds an implementation to all of them. */
export const conformance = (name: string, harness: Layer.Layer<Harness, unknown>): void => {
  const parts = { stores: appending, reads: reading, follows: tailing, "keeps time": timing, "is seen": outside }
  for (const [part, truths] of Object.entries(parts)) {
    layer(harness, { excludeTestServices: true })(`${name} ${part}:`, (it) => {
      for (const [truth, shown] of Object.entries(truths)) it.effect(truth, () => shown)
    })
  }
}
