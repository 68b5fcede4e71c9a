import type { Inbound } from "./session.ts"

export interface PreAuthBuffer {
  readonly take: (inbound: Inbound) => void
  /** Takes what was held. */
  readonly release: () => void
}

const HELD_MAX = 64

/** Holds what a client says while its credential is looked at. */
export const makePreAuthBuffer = (options: {
  readonly busy: () => boolean
  readonly take: (inbound: Inbound) => void
  readonly tooMuch: () => void
}): PreAuthBuffer => {
  let held: Array<Inbound> = []
  const take = (inbound: Inbound): void => {
    if (!options.busy()) options.take(inbound)
    else if (held.length < HELD_MAX) held.push(inbound)
    else options.tooMuch()
  }
  const release = (): void => {
    const waiting = held
    held = []
    for (const inbound of waiting) take(inbound)
  }
  return { take, release }
}
