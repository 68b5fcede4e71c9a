// What a direct host keeps: actors that live, and what is to be done.
import type { Actor, Address, Operation } from "../../runtime/index.ts"

export type Step = ReadonlyArray<
  Operation<
    unknown,
    unknown,
    unknown,
    { readonly name: string; readonly payload: unknown },
    { readonly name: string; readonly input: unknown }
  >
>

export interface Live {
  readonly actor: Actor
  readonly address: Address
  readonly name: string
  state: unknown
}

export interface Message {
  readonly to: Address
  readonly message: string
  readonly body: unknown
  readonly from: string
  readonly ask: string | undefined
  readonly correlationId: string
}

export interface Work {
  readonly owner: Live
  readonly key: string
  readonly name: string
  readonly input: unknown
  readonly correlationId: string
}

export interface DirectTimer {
  readonly owner: Live
  readonly at: number
  readonly message: string
  readonly body: unknown
  readonly correlationId: string
}

/** The state after an event. */
export const evolved = ({ actor, state }: Live, event: unknown): unknown => {
  const { _tag: tag } = event as { readonly _tag: string }
  const evolve = actor.definition.evolve[tag]
  if (evolve === undefined) throw new Error(`${actor.type} has no event ${tag}`)
  return evolve(state, event)
}
