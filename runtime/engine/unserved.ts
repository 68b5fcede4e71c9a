import { Effect } from "effect"
import type { Membership } from "../leases.ts"
import { serversOf, typesServed } from "./serving.ts"

const LOOK_EVERY = "2 seconds"

/** Says of actor types for which mail waits that no live node has them: once, until one has. */
export class Unserved {
  /** `type role`, and whether it was said. */
  readonly #met = new Map<string, boolean>()

  /** Mail came of a type that this node does not have. */
  met(type: string, role: string): void {
    const key = `${type} ${role}`
    if (!this.#met.has(key)) this.#met.set(key, false)
  }

  /** Looks now and then, for ever. */
  warn(node: string, nodes: () => Membership["nodes"]): Effect.Effect<never> {
    return Effect.suspend(() =>
      Effect.forEach([...this.#met], ([key, said]) => {
        const [type = "", role = ""] = key.split(" ")
        if (isServed(type, role, nodes())) return Effect.sync(() => void this.#met.delete(key))
        if (said) return Effect.void
        this.#met.set(key, true)
        return Effect.logWarning("no live node has this actor type: its mail is kept and waits", { type, role, node })
      })
    ).pipe(Effect.andThen(Effect.sleep(LOOK_EVERY)), Effect.forever)
  }
}

const isServed = (type: string, role: string, nodes: Membership["nodes"]): boolean =>
  serversOf(role, nodes).some((name) => typesServed(nodes.get(name)!, role).includes(type))
