import type { Effect } from "effect"
import { Actors, type AskName, type MessageName, type Payload, type Protocol } from "../../runtime/index.ts"

/** One thing that a client does. Made by `tell` and `ask`. */
export interface Command {
  readonly kind: "tell" | "ask"
  readonly protocol: Protocol
  /** To whom: `type/id`. */
  readonly to: string
  readonly message: string
  readonly payload: unknown
  readonly run: Effect.Effect<unknown, unknown, Actors>
}

/** A command that tells an actor something. */
export const tell = <P extends Protocol, K extends MessageName<P>>(
  protocol: P,
  id: string,
  message: K,
  payload: Payload<P, K>
): Command => ({
  kind: "tell",
  protocol,
  to: `${protocol.type}/${id}`,
  message,
  payload,
  run: Actors.use((actors) => actors.tell(protocol, id, message, payload))
})

/** A command that asks an actor something, and waits for the answer. */
export const ask = <P extends Protocol, K extends AskName<P>>(
  protocol: P,
  id: string,
  message: K,
  payload: Payload<P, K>
): Command => ({
  kind: "ask",
  protocol,
  to: `${protocol.type}/${id}`,
  message,
  payload,
  run: Actors.use((actors) => actors.ask(protocol, id, message, payload))
})
