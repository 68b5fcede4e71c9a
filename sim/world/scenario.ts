import { Context, type Effect, type Scope } from "effect"
import type { Actor, ActorLog, Actors, Controls } from "../../runtime/index.ts"
import type { Breach } from "../invariants/breach.ts"
import type { History } from "../invariants/history.ts"
import type { Life } from "../invariants/life.ts"
import type { Prng } from "./prng.ts"

/** Where activities ask whether they are to go wrong this time. Outside a simulation they never are. */
export const FaultInjection = Context.Reference<{ readonly strikes: () => boolean }>("conclave/sim/FaultInjection", {
  defaultValue: () => ({ strikes: () => false })
})

/** What a scenario is drawn from. */
export interface Stage {
  readonly random: Prng
  /** When clients should have said what they have to say, in milliseconds since the beginning. */
  readonly untilMillis: number
  readonly history: () => History
  /** Milliseconds since the beginning. */
  readonly elapsed: () => number
  /** A line for the trace. */
  readonly say: (who: string, what: string) => void
}

/** What a process without actors does. */
export type Client = Effect.Effect<void, never, Actors | ActorLog | Controls | Scope.Scope>

/** Who does what in a world, and what must be true of it. */
export interface WorldScenario {
  readonly actors: ReadonlyArray<Actor>
  /** How many events an answer tells of, if it says so. */
  readonly eventsTold?: (body: unknown) => number | undefined
  /** What is broken in an actor as it is after a record of its journal. */
  readonly always?: (life: Life) => Breach | undefined
  /** Each runs in a process of its own; the world waits until all have ended. A defect in one is a breach. */
  readonly clients: ReadonlyArray<Client>
  /** What is broken when everything is at rest. */
  readonly verdict: (history: History) => ReadonlyArray<Breach>
}
