import { Effect, Exit } from "effect"
import { LogUnavailable } from "../../runtime/index.ts"
import type { Channel } from "../log/host.ts"
import type { Link, LinkCall } from "../log/link.ts"
import type { Chance } from "./chance.ts"
import type { Process } from "./process.ts"
import type { Timeline } from "./timeline.ts"

/** The network around the server, as all wires see it. */
export interface Network {
  readonly timeline: Timeline
  readonly chance: Chance
  /** The server takes no calls now. */
  readonly isAway: () => boolean
  /** How often it was away: who waits since before gets no answer. */
  readonly outages: () => number
}

const TIMEOUT_MILLIS = 2_000
const PULL_TIMEOUT_MILLIS = 4_000
const STATE_AGAIN_MILLIS = 100
const REWIND_MAX = 20

/**
 * One process's way to the server. Calls overtake one another; what the server sends on one channel does not.
 *
 * A call that is on its way when its process dies is served all the same.
 */
export class WorldWire implements Link {
  readonly process: string
  readonly #owner: Process
  readonly #network: Network
  #cutUntil = 0
  /** Calls that do not get through until a time. */
  readonly #callsCutUntil = new Map<LinkCall, number>()

  constructor(process: string, owner: Process, network: Network) {
    this.process = process
    this.#owner = owner
    this.#network = network
  }

  /** Nothing gets through until a time, or none of some calls. */
  cut(until: number, calls?: ReadonlyArray<LinkCall>): void {
    if (calls === undefined) this.#cutUntil = Math.max(this.#cutUntil, until)
    else for (const call of calls) this.#callsCutUntil.set(call, until)
  }

  heal(): void {
    this.#cutUntil = 0
    this.#callsCutUntil.clear()
  }

  readonly call = <A>(call: LinkCall, serve: (answer: (value: A) => void) => void): Effect.Effect<A, LogUnavailable> =>
    Effect.callback<A, LogUnavailable>((resume) => {
      const { timeline, chance } = this.#network
      let waits = true
      const settle = (exit: Exit.Exit<A, LogUnavailable>) => {
        if (!waits) return
        this.#owner.post(() => {
          if (waits) resume(exit)
          waits = false
        })
      }
      // Mostly nobody waits any more, and an error costs its stack.
      const fail = (detail: string) => {
        if (waits) settle(Exit.fail(new LogUnavailable({ detail })))
      }
      const timeout = call === "pull" ? PULL_TIMEOUT_MILLIS : TIMEOUT_MILLIS
      timeline.after(timeout, () => fail("no answer"))
      const { thereMillis, backMillis } = chance.fateOf(call, timeout)
      if (thereMillis !== undefined && !this.#isCut && !this.#isCutOff(call)) {
        timeline.after(thereMillis, () => {
          if (this.#isCut) return
          if (this.#network.isAway()) return fail("the server is away")
          this.#serve(serve, backMillis, settle)
        })
      }
      return Effect.sync(() => {
        waits = false
      })
    })

  readonly cast = (run: () => void): void => {
    const { timeline, chance } = this.#network
    const { thereMillis } = chance.fateOf("check", TIMEOUT_MILLIS)
    if (thereMillis === undefined || this.#isCut) return
    timeline.after(thereMillis, () => {
      if (!this.#isCut && !this.#network.isAway()) run()
    })
  }

  readonly channel = <A>(kind: "events" | "state", take: (value: A) => void): Channel<A> =>
    kind === "events" ? this.#events(take) : this.#latest(take)

  readonly readOnFrom = (sequence: number): number =>
    this.#network.chance.strikes("duplicate") ? sequence - this.#network.chance.below(REWIND_MAX) : sequence

  get #isCut(): boolean {
    return this.#network.timeline.now() < this.#cutUntil
  }

  #isCutOff(call: LinkCall): boolean {
    return this.#network.timeline.now() < (this.#callsCutUntil.get(call) ?? 0)
  }

  #serve<A>(
    serve: (answer: (value: A) => void) => void,
    backMillis: number | undefined,
    settle: (exit: Exit.Exit<A, LogUnavailable>) => void
  ): void {
    const outages = this.#network.outages()
    serve((value) => {
      if (backMillis === undefined) return
      this.#network.timeline.after(backMillis, () => {
        if (!this.#isCut && outages === this.#network.outages()) settle(Exit.succeed(value))
      })
    })
  }

  #events<A>(take: (value: A) => void): Channel<A> {
    const { timeline, chance } = this.#network
    let last = 0
    return {
      send: (value) => {
        last = Math.max(last, timeline.now() + chance.delay())
        timeline.at(last, () => {
          if (!this.#isCut && !this.#network.isAway()) this.#owner.post(() => take(value))
        })
        return this.#owner.alive
      }
    }
  }

  #latest<A>(take: (value: A) => void): Channel<A> {
    const { timeline, chance } = this.#network
    let latest: { readonly value: A } | undefined
    const deliver = (): void => {
      if (latest === undefined || !this.#owner.alive) return
      if (this.#isCut || this.#network.isAway()) return timeline.after(STATE_AGAIN_MILLIS, deliver)
      const { value } = latest
      latest = undefined
      this.#owner.post(() => take(value))
    }
    return {
      send: (value) => {
        const waits = latest !== undefined
        latest = { value }
        if (!waits) timeline.after(chance.delay(), deliver)
        return this.#owner.alive
      }
    }
  }
}
