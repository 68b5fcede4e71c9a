import type { Mail } from "../../log.ts"
import type { Meter } from "./meter.ts"

/** How long a message waited is measured of one in so many. */
const WAITS_SAMPLED = 16

/** Counts and traces messages whose effects are stored. `now`: milliseconds since 1970. */
export const makeMailMeter = (
  meter: Meter,
  traced: ((mail: Mail, now: number) => void) | undefined,
  now: () => number
) => ({
  processed: (mail: Mail): void => {
    meter.counts.messages++
    if (mail.sequence % WAITS_SAMPLED === 0) meter.waited((now() - mail.time) / 1_000)
    traced?.(mail, now())
  }
})
