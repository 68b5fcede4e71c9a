import type { Actor } from "../../actor.ts"
import type { Address } from "../../address.ts"
import { type ActorState, applyStep, emptyActor } from "./actor-state.ts"
import { buildStep, isStale } from "./build.ts"
import { type Codecs, type Compiled, compileWith } from "./compiled.ts"
import { StepFailure } from "./failure.ts"
import type { Decidable } from "./step-context.ts"
import type { Answered, StepEntry } from "./step-parts.ts"
import { toRecord } from "./step-record.ts"

/** What came of a message, as values: what would be stored, who is answered, and the keys of the activities that are to be run. */
export interface Taken {
  readonly outgoing: ReadonlyArray<StepEntry>
  readonly answers: ReadonlyArray<Answered>
  readonly started: ReadonlyArray<string>
}

const NOTHING: Taken = { outgoing: [], answers: [], started: [] }

/** An actor type made ready to be decided for without a log. `codecs` say what values pass through between actors and into their states. */
export const compileUnlogged = (actor: Actor, codecs: Codecs): Compiled => compileWith(actor, codecs)

/**
 * One actor that is decided for without a log: by the engine's own code, up to the point where a step would become text.
 *
 * Nothing is stored, and nothing is parked. Ids are not compared: a message that comes twice is decided twice.
 */
export class UnloggedActor {
  readonly address: Address
  readonly #compiled: Compiled
  readonly #core: ActorState

  /** Throws what the actor's `initial` throws. */
  constructor(compiled: Compiled, address: Address) {
    this.address = address
    this.#compiled = compiled
    this.#core = emptyActor(compiled, address)
    if (this.#core.unborn !== undefined) throw this.#core.unborn.cause
  }

  get state(): unknown {
    return this.#core.state
  }

  /**
   * Decides a message or an outcome, and takes in what it leads to. A firing of a timer or an outcome of an activity that is not
   * open any more leads to nothing. Throws what the actor's code throws.
   */
  take(envelope: Decidable, sequence: number, time: number): Taken {
    if (isStale(this.#core, envelope)) return NOTHING
    const parts = this.#build(envelope, sequence, time)
    if (parts.effective) applyStep(this.#compiled, this.#core, toRecord(parts), parts.state)
    return { outgoing: parts.outgoing, answers: parts.answers, started: Object.keys(parts.started) }
  }

  /** Whether the actor has stopped for good. */
  get stopped(): boolean {
    return this.#core.stopped
  }

  /** An activity that is open, as its code takes it. */
  activity(key: string) {
    const open = this.#core.activities.get(key)
    if (open === undefined) return undefined
    const { activity: name, generation, correlation } = open
    const { run } = this.#compiled.definition.activities?.[name] ?? {}
    return { name, generation, correlation, run, input: this.#compiled.decodeInput(name, open.input) }
  }

  encodeOutput(activity: string, output: unknown): unknown {
    return this.#compiled.encodeOutput(activity, output)
  }

  #build(envelope: Decidable, sequence: number, time: number) {
    try {
      return buildStep(this.#compiled, this.#core, { to: this.address, sequence, time }, envelope)
    } catch (cause) {
      throw cause instanceof StepFailure ? cause.cause : cause
    }
  }
}
