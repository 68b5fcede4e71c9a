import type { Context, Operations, UntypedStepBuilder } from "../../actor.ts"
import { addEvent, addOperation, addReply, type StepParts } from "./step-parts.ts"

/** What a handler is given: the context, and the parts of its step to add to, until it has decided. */
export class StepContext implements UntypedStepBuilder {
  readonly self: Context["self"]
  readonly time: number
  readonly sequence: number
  readonly messageId: string
  readonly correlationId: string
  readonly from: string
  readonly replyTo: Context["replyTo"]
  readonly random: () => number
  #parts: StepParts | undefined

  constructor(parts: StepParts) {
    const { self, time, sequence, messageId, correlationId, from, replyTo, random } = parts.context
    this.self = self
    this.time = time
    this.sequence = sequence
    this.messageId = messageId
    this.correlationId = correlationId
    this.from = from
    this.replyTo = replyTo
    this.random = random
    this.#parts = parts
  }

  get state(): unknown {
    return this.#open.state
  }

  persist(tag: string, fields: object): unknown {
    addEvent(this.#open, tag, fields)
    return this.#open.state
  }

  reply(value: unknown): void {
    addReply(this.#open, "ok", value)
  }

  refuse(error: unknown): void {
    addReply(this.#open, "error", error)
  }

  add(...operations: Operations): void {
    for (const operation of operations) addOperation(this.#open, operation)
  }

  /** The parts belong to a commit from now on, which nobody may change. */
  close(): void {
    this.#parts = undefined
  }

  get #open(): StepParts {
    if (this.#parts === undefined) throw new Error("the message is decided: nothing can be added to its step any more")
    return this.#parts
  }
}
