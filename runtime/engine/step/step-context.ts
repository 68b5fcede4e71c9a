import type { Context, Operations, UntypedStepBuilder } from "../../actor.ts"
import type { Envelope } from "../../envelope.ts"
import type { Mail } from "../../log.ts"
import { seededRandom } from "./random.ts"
import { addEvent, addOperation, addReply, type StepParts } from "./step-parts.ts"

export type Decidable = Exclude<Envelope, { kind: "watch" }>

/** Where and when a message was delivered. */
export type Delivered = Pick<Mail, "to" | "sequence" | "time">

/** What a handler is given: the context of its message, and the parts of its step to add to, until it has decided. */
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

  constructor(mail: Delivered, envelope: Decidable) {
    const sent = envelope.kind === "message" ? envelope : undefined
    const { reply: inbox, id } = sent ?? {}
    this.self = mail.to
    this.time = mail.time
    this.sequence = mail.sequence
    this.messageId = id ?? `s${mail.sequence}`
    this.correlationId = envelope.correlation
    this.from = sent?.from ?? ""
    this.replyTo = inbox !== undefined && id !== undefined ? { inbox, id } : undefined
    this.random = seededRandom(mail.sequence)
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

  /** What is said from now on belongs to these parts. */
  open(parts: StepParts): void {
    this.#parts = parts
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
