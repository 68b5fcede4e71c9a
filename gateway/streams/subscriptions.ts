import { Effect, type Fiber } from "effect"
import type { SlowPolicy, Start } from "../../protocols/index.ts"
import type { Subscriber } from "./catch-up.ts"
import { type Channel, type Delivery, gapText } from "./delivery.ts"
import type { Fanout } from "./fanout.ts"
import type { TooManyPatterns } from "./pattern-counts.ts"

export interface SubscriptionsOptions {
  /** Of the connection. */
  readonly id: string
  readonly fanout: Fanout
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Who the client is, where clients are told apart. */
  readonly client: () => string | undefined
}

/** What becomes of a subscription. None of these is called once it was released. */
interface Outcomes {
  readonly joined: (id: string, position: number | undefined) => void
  readonly failed: (id: string, refusal?: TooManyPatterns) => void
}

/** A subscription that a fiber keeps. Once released it is silent, though the fiber may take a moment to end. */
interface ActiveSubscription {
  released: boolean
  fiber: Fiber.Fiber<void> | undefined
  readonly channel: Channel
}

/** What to subscribe to, and how. */
export interface SubscriptionRequest {
  readonly id: string
  readonly pattern: string
  readonly start: Start
  readonly onSlow: SlowPolicy
  readonly bytesMax: number
}

/** The subscriptions of one connection, each kept by a fiber. */
export const keepSubscriptions = (
  { id: session, fanout, run, client }: SubscriptionsOptions,
  delivery: Delivery,
  outcomes: Outcomes
) => {
  const kept = new Map<string, ActiveSubscription>()

  const release = (id: string): void => {
    const entry = kept.get(id)
    if (entry === undefined) return
    kept.delete(id)
    entry.released = true
    entry.channel.end()
    entry.fiber?.interruptUnsafe()
  }

  const keep = ({ id, pattern, start, ...how }: SubscriptionRequest): void => {
    const channel = delivery.open({ id, ...how })
    const entry: ActiveSubscription = { released: false, fiber: undefined, channel }
    kept.set(id, entry)
    const unlessReleased = (act: () => void) => {
      if (!entry.released) act()
    }
    const failed = (refusal?: TooManyPatterns) =>
      Effect.sync(() =>
        unlessReleased(() => {
          release(id)
          outcomes.failed(id, refusal)
        })
      )
    const annotated = Effect.annotateLogs({ session, pattern })
    const failing = (cause: unknown) =>
      annotated(Effect.andThen(Effect.logWarning("subscription failed", cause), failed()))
    const subscriber: Subscriber = {
      joined: (position) => unlessReleased(() => outcomes.joined(id, position)),
      deliver: channel.deliver,
      missing: (missing) => unlessReleased(() => channel.say(gapText({ id, ...missing, count: null }))),
      broken: (cause) => void run(failing(cause)),
      caughtUp: (seq) => unlessReleased(() => channel.say(caughtUpText(id, seq))),
      hold: channel.hold,
      ready: channel.ready
    }
    entry.fiber = run(
      fanout
        .subscribe(pattern, start, subscriber, client())
        .pipe(
          Effect.andThen(Effect.never),
          Effect.scoped,
          Effect.catchTag("TooManyPatterns", failed),
          Effect.catchCause(failing),
          annotated
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

const caughtUpText = (id: string, seq: number): string =>
  JSON.stringify({ type: "caught_up", seq: null, subject: null, data: { id, seq } })
