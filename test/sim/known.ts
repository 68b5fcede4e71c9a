import type { Breach } from "../../sim/index.ts"

/** A defect of the runtime that the simulation has found and that is still there. To be deleted with its mending. */
interface Known {
  readonly defect: string
  /** Seeds that show it. */
  readonly seeds: ReadonlyArray<number>
  readonly shows: (breach: Breach) => boolean
}

const REST = "nothing is left undone once all faults are healed"
const KEPT = "no mail is removed before it is done"

export const KNOWN: ReadonlyArray<Known> = [
  {
    defect: "an ask fails as if nothing was stored when asking for its answer again is refused (asks.ts)",
    seeds: [9, 17, 22],
    shows: ({ detail }) => detail.includes("was refused, and has 1 effects")
  },
  {
    defect: "a tell fails as if nothing was stored when trying again after a lost answer is refused (outbox.ts)",
    seeds: [],
    shows: ({ detail }) => detail.includes("was refused, and has 1 effects")
  },
  {
    defect: "shards that are lost and taken again are read by the old tail: mail is skipped, and removed (shards.ts)",
    seeds: [390, 1556],
    shows: ({ law, detail }) => law === KEPT || (law === REST && !detail.startsWith("activity"))
  },
  {
    defect: "a new tail clears `halted` without resuming actors that hold mail already (node.ts)",
    seeds: [174],
    shows: ({ law, detail }) => law === REST && !detail.startsWith("activity")
  },
  {
    defect: "an open activity is not started again by the next owner until mail for its actor comes",
    seeds: [1014, 1503],
    shows: ({ law, detail }) => law === REST && detail.startsWith("activity")
  }
]

export const isKnown = (breach: Breach): boolean => KNOWN.some(({ shows }) => shows(breach))
