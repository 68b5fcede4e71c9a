import { Effect, type Fiber } from "effect"
import type { SlowPolicy, Start } from "../protocols/index.ts"
import type { Subscriber } from "./catch-up.ts"
import { type Channel, Delivery, gapText, type Socket } from "./delivery.ts"
import type { Fanout } from "./fanout.ts"
import { type Account, NOTHING, sumOf } from "./outlet.ts"
import type { GatewayLimits } from "./policy.ts"
import { type Action, type Inbound, joined, open, receive, refused, slowConsumer, type Transition } from "./session.ts"

export type { Socket }

/** One open WebSocket: its session, and the fibers that keep its subscriptions. */
export interface Connection {
  readonly id: string
  readonly receive: (inbound: Inbound) => void
  /** The network took bytes. */
  readonly drained: () => void
  /** Says goodbye. */
  readonly close: (code: number, reason: string) => void
  /** The socket is gone: it is not touched again, and the subscriptions end. */
  readonly closed: () => void
  /** What became of the events of all its subscriptions, those that ended included. */
  readonly account: () => Account
}

export interface ConnectionOptions {
  readonly id: string
  readonly socket: Socket
  readonly limits: GatewayLimits
  readonly fanout: Fanout
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number
  /** Runs a subscription; the gateway interrupts what is left when it stops. */
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

// Not in RFC 6455 but registered since: "try again later".
const TRY_AGAIN_LATER = 1013

/** Opens the conversation on a socket and sends `welcome`. */
export const connect = (options: ConnectionOptions): Connection => {
  const { socket, limits, now } = options
  let gone = false

  const tooSlow = (id: string | null): void => {
    if (gone) return
    socket.send(JSON.stringify(slowConsumer(id, limits)))
    close(TRY_AGAIN_LATER, "slow consumer")
  }
  const send = (text: string): void => {
    if (gone) return
    if (socket.pendingBytes() > limits.pendingBytesMax) return tooSlow(null)
    socket.send(text)
  }
  const closed = (): void => {
    gone = true
    keeper.releaseAll()
  }
  const close = (code: number, reason: string): void => {
    if (gone) return
    closed()
    socket.close(code, reason)
  }
  const act = (action: Action): void => {
    if (action.do === "send") send(JSON.stringify(action.frame))
    else if (action.do === "subscribe") keeper.keep(action)
    else keeper.release(action.id)
  }
  const perform = (transition: Transition): void => {
    session = transition.session
    for (const action of transition.actions) act(action)
  }

  const delivery = new Delivery(socket, limits, tooSlow)
  const keeper = keepSubscriptions(options, delivery, {
    joined: (id, position) => perform(joined(session, id, position)),
    failed: (id) => perform(refused(session, id, "events cannot be read now: try again later"))
  })
  const opened = open(options.id, limits, now())
  let session = opened.session
  perform(opened)
  return {
    id: options.id,
    receive: (inbound) => {
      if (!gone) perform(receive(session, inbound, now()))
    },
    drained: () => {
      if (!gone) delivery.drained()
    },
    close,
    closed,
    account: keeper.account
  }
}

/** What becomes of a subscription. None of these is called once it was released. */
interface Outcomes {
  readonly joined: (id: string, position: number | undefined) => void
  readonly failed: (id: string) => void
}

/** A subscription that a fiber keeps. Once released it is silent, though the fiber may take a moment to end. */
interface Kept {
  released: boolean
  fiber: Fiber.Fiber<void> | undefined
  readonly channel: Channel
}

/** What to subscribe to, and how. */
export interface Wanted {
  readonly id: string
  readonly pattern: string
  readonly start: Start
  readonly onSlow: SlowPolicy
  readonly bytesMax: number
}

const keepSubscriptions = ({ id: session, fanout, run }: ConnectionOptions, delivery: Delivery, outcomes: Outcomes) => {
  const kept = new Map<string, Kept>()
  let ended = NOTHING

  const release = (id: string): void => {
    const entry = kept.get(id)
    if (entry === undefined) return
    kept.delete(id)
    entry.released = true
    entry.channel.end()
    ended = sumOf(ended, entry.channel.account())
    entry.fiber?.interruptUnsafe()
  }

  const keep = ({ id, pattern, start, ...how }: Wanted): void => {
    const channel = delivery.open({ id, ...how })
    const entry: Kept = { released: false, fiber: undefined, channel }
    kept.set(id, entry)
    const unlessReleased = (act: () => void) => {
      if (!entry.released) act()
    }
    const failed = Effect.sync(() =>
      unlessReleased(() => {
        release(id)
        outcomes.failed(id)
      })
    )
    const subscriber: Subscriber = {
      joined: (position) => unlessReleased(() => outcomes.joined(id, position)),
      deliver: (event) => {
        if (!entry.released) channel.deliver(event)
      },
      missing: (missing) => unlessReleased(() => channel.say(gapText({ id, ...missing, count: null }))),
      caughtUp: (seq) => unlessReleased(() => channel.say(caughtUpText(id, seq))),
      ready: channel.ready
    }
    entry.fiber = run(
      fanout.subscribe(pattern, start, subscriber).pipe(
        Effect.andThen(Effect.never),
        Effect.scoped,
        Effect.catchCause((cause) => Effect.andThen(Effect.logWarning("subscription failed", cause), failed)),
        Effect.annotateLogs({ session, pattern })
      )
    )
    // What the fiber did as it started may have ended the connection already.
    if (entry.released) entry.fiber.interruptUnsafe()
  }

  const releaseAll = (): void => {
    for (const id of kept.keys()) release(id)
  }
  const account = () => [...kept.values()].reduce((sum, { channel }) => sumOf(sum, channel.account()), ended)
  return { keep, release, releaseAll, account }
}

const caughtUpText = (id: string, seq: number): string =>
  JSON.stringify({ type: "caught_up", seq: null, subject: null, data: { id, seq } })
