import { Effect, type Fiber } from "effect"
import type { Fanout } from "./fanout.ts"
import type { GatewayLimits } from "./policy.ts"
import {
  type Action,
  type Asked,
  type AskOperation,
  answered,
  type Inbound,
  joined,
  open,
  receive,
  refused,
  slowConsumer,
  type Transition
} from "./session.ts"

/** What a connection needs of the socket below it. */
export interface Socket {
  readonly send: (text: string) => void
  /** Bytes sent and not yet taken by the network. */
  readonly pendingBytes: () => number
  /** Ends the conversation. May call `Connection.closed` before it returns. */
  readonly close: (code: number, reason: string) => void
}

/** One open WebSocket: its session, and the fibers that keep its subscriptions. */
export interface Connection {
  readonly receive: (inbound: Inbound) => void
  /** Says goodbye. */
  readonly close: (code: number, reason: string) => void
  /** The socket is gone: it is not touched again, and the subscriptions end. */
  readonly closed: () => void
}

export interface ConnectionOptions {
  readonly id: string
  readonly socket: Socket
  readonly limits: GatewayLimits
  readonly fanout: Fanout
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number
  /** Asks actors; what goes wrong is an answer too. */
  readonly ask: (operation: AskOperation) => Effect.Effect<Asked>
  /** Runs a subscription or a question; the gateway interrupts what is left when it stops. */
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

// Not in RFC 6455 but registered since: "try again later".
const TRY_AGAIN_LATER = 1013

/** Opens the conversation on a socket and sends `welcome`. */
export const connect = (options: ConnectionOptions): Connection => {
  const { socket, limits, now } = options
  let gone = false

  const send = (text: string): void => {
    if (gone) return
    if (socket.pendingBytes() > limits.pendingBytesMax) {
      socket.send(JSON.stringify(slowConsumer(limits)))
      close(TRY_AGAIN_LATER, "slow consumer")
      return
    }
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
    else if (action.do === "subscribe") keeper.keep(action.id, action.pattern)
    else if (action.do === "unsubscribe") keeper.release(action.id)
    else ask(action.operation)
  }
  // What was asked is stored and goes its way, also where the client does not stay for the answer.
  const ask = (operation: AskOperation): void => {
    const answer = (asked: Asked) => Effect.sync(() => perform(answered(session, operation, asked)))
    options.run(Effect.flatMap(options.ask(operation), answer))
  }
  const perform = (transition: Transition): void => {
    session = transition.session
    for (const action of transition.actions) act(action)
  }

  const keeper = keepSubscriptions(options, {
    joined: (id) => perform(joined(session, id)),
    failed: (id) => perform(refused(session, id, "events cannot be read now: try again later")),
    deliver: send
  })
  const opened = open(options.id, limits, now())
  let session = opened.session
  perform(opened)
  return {
    receive: (inbound) => {
      if (!gone) perform(receive(session, inbound, now()))
    },
    close,
    closed
  }
}

/** What becomes of a subscription. None of these is called once it was released. */
interface Outcomes {
  readonly joined: (id: string) => void
  readonly failed: (id: string) => void
  readonly deliver: (frame: string) => void
}

/** A subscription that a fiber keeps. Once released it is silent, though the fiber may take a moment to end. */
interface Kept {
  released: boolean
  fiber: Fiber.Fiber<void> | undefined
}

const keepSubscriptions = ({ id: session, fanout, run }: ConnectionOptions, outcomes: Outcomes) => {
  const kept = new Map<string, Kept>()

  const release = (id: string): void => {
    const entry = kept.get(id)
    if (entry === undefined) return
    kept.delete(id)
    entry.released = true
    entry.fiber?.interruptUnsafe()
  }

  const keep = (id: string, pattern: string): void => {
    const entry: Kept = { released: false, fiber: undefined }
    kept.set(id, entry)
    const ending = `,"sub":${JSON.stringify(id)}}`
    const unlessReleased = (act: () => void) => {
      if (!entry.released) act()
    }
    const failed = Effect.sync(() =>
      unlessReleased(() => {
        release(id)
        outcomes.failed(id)
      })
    )
    const subscription = fanout.subscribe(pattern, {
      joined: () => unlessReleased(() => outcomes.joined(id)),
      deliver: (event) => {
        if (!entry.released) outcomes.deliver(event.opening + ending)
      }
    })
    entry.fiber = run(
      subscription.pipe(
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
  return { keep, release, releaseAll }
}
