import type { Actor } from "../../runtime/index.ts"
import type { Breach } from "../invariants/breach.ts"
import type { Life } from "../invariants/life.ts"

/** What a law says: `false`, or a sentence that says what is wrong, breaks it, as does anything that it throws. */
export type Says = boolean | string | undefined

/** A law that holds for every actor of a type after every record of its journal. Made by `always`. */
export interface Invariant {
  readonly law: string
  readonly type: string
  readonly holds: (state: unknown, id: string) => Says
}

/** What is true of every actor of a type at all times. */
export const always = <State>(
  actor: Actor<State>,
  law: string,
  holds: (state: State, id: string) => Says
): Invariant => ({
  law,
  type: actor.type,
  // The state that is checked is folded by this actor's own functions.
  holds: (state, id) => holds(state as State, id)
})

/** The breach of an invariant by an actor as it is now. */
export const breachOfInvariants = (invariants: ReadonlyArray<Invariant>, life: Life): Breach | undefined => {
  for (const { law, type, holds } of invariants) {
    if (type !== life.address.type) continue
    const detail = brokenBy(() => holds(life.state, life.address.id))
    if (detail !== undefined) return { law, detail: `${life.name}, ${JSON.stringify(life.state)}: ${detail}` }
  }
  return undefined
}

/** What is wrong, or nothing where a law holds. */
export const brokenBy = (check: () => Says): string | undefined => {
  try {
    const says: unknown = check()
    if (typeof says === "string" && says !== "") return says
    if (says instanceof Promise) return "it gave a promise, and a law has to say at once"
    return says === false || says === "" ? "it does not hold" : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
