import type { Frame } from "../../protocols/index.ts"
import type { Costly } from "../admission/costs.ts"
import type { GatewayLimits } from "../policy.ts"
import { tooManyRefusals, tooMuchUnauthenticated } from "./close-frames.ts"
import { costOf, tooCostly, unread } from "./excess.ts"
import { Meter } from "./meter.ts"
import { type Inbound, receive, type Session, type Transition, tooHasty } from "./session.ts"

export interface ReceptionOptions {
  readonly limits: GatewayLimits
  readonly now: () => number
  readonly session: () => Session
  readonly perform: (transition: Transition) => void
  /** Whether a credential is being looked at. */
  readonly busy: () => boolean
  /** Ends the conversation, with a last frame. */
  readonly leave: (frame: Frame, reason: string) => void
  /** Counts what costs more among all that the client has. False if that is too much. */
  readonly spend: (kind: Costly) => boolean
  /** The client was refused too often, and is left. */
  readonly offended: () => void
}

/** What a client sends, counted before it is read. */
export interface Reception {
  readonly take: (inbound: Inbound) => void
  /** Something that was answered below, and counts all the same. */
  readonly count: (bytes: number) => void
  /** Does what a transition says, unless it is one refusal too many. */
  readonly settle: (transition: Transition) => void
  /** Takes what waited while a credential was looked at. */
  readonly release: () => void
}

export const makeReception = (options: ReceptionOptions): Reception => {
  const { limits, now, session, perform, busy, leave } = options
  const meter = new Meter(limits, now())
  const over = () => {
    options.offended()
    leave(tooManyRefusals(), "too many refusals")
  }
  const settle = (transition: Transition): void => {
    if (transition.fault === true && !meter.refused(now())) over()
    else perform(transition)
  }
  const preAuthBuffer = makePreAuthBuffer({
    busy,
    take: (inbound) => {
      const transition = receive(session(), inbound)
      const cost = costOf(transition)
      if (cost === undefined) settle(transition)
      else if (!meter.spend(cost.kind, now())) settle(tooCostly(session(), cost, "one"))
      else settle(options.spend(cost.kind) ? transition : tooCostly(session(), cost, "all"))
    },
    tooMuch: () => settle(tooHasty(session()))
  })
  const admissionOf = (bytes: number) => meter.came(bytes, session().grant !== undefined, now())
  return {
    take: (inbound) => {
      const admission = admissionOf(inbound.size)
      if (admission === "read") preAuthBuffer.take(inbound)
      else if (admission === "over") over()
      else if (admission === "unauthenticated") leave(tooMuchUnauthenticated(limits), "authentication needed")
      else perform(unread(session(), inbound, admission))
    },
    count: (bytes) => {
      const admission = admissionOf(bytes)
      if (admission === "over") over()
      else if (admission === "unauthenticated") leave(tooMuchUnauthenticated(limits), "authentication needed")
    },
    settle,
    release: preAuthBuffer.release
  }
}

const HELD_MAX = 64

/** Holds what a client says while its credential is looked at. */
const makePreAuthBuffer = (options: {
  readonly busy: () => boolean
  readonly take: (inbound: Inbound) => void
  readonly tooMuch: () => void
}) => {
  let held: Array<Inbound> = []
  const take = (inbound: Inbound): void => {
    if (!options.busy()) options.take(inbound)
    else if (held.length < HELD_MAX) held.push(inbound)
    else options.tooMuch()
  }
  /** Takes what was held. */
  const release = (): void => {
    const waiting = held
    held = []
    for (const inbound of waiting) take(inbound)
  }
  return { take, release }
}
