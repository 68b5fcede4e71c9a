import { Cause, Context, Duration, Effect, Exit, type Fiber, Layer, Predicate, Schedule } from "effect"
import {
  type ActorLog,
  Actors,
  type Controls,
  type Leases,
  LocalNode,
  layerNode,
  type NodeOptions
} from "../../runtime/index.ts"
import { type Breach, Broken, INVARIANTS } from "../invariants/breach.ts"
import { contextOf, makePorts } from "../log/layer.ts"
import { SimulatedServer } from "../log/server.ts"
import type { Observer } from "../log/store.ts"
import { Chance } from "./chance.ts"
import { Coverage } from "./coverage.ts"
import type { FaultKind } from "./faults.ts"
import type { Prng } from "./prng.ts"
import { Process } from "./process.ts"
import { type Client, FaultInjection } from "./scenario.ts"
import type { WorldSetting } from "./setting.ts"
import { Timeline } from "./timeline.ts"
import { type Network, WorldWire } from "./wire.ts"

export interface WorldOptions {
  readonly random: Prng
  readonly setting: WorldSetting
  readonly shards: number
  readonly ttlMillis: number
  readonly observer: Observer
  readonly trace: ((line: string) => void) | undefined
}

/** A process of the world and its way to the server. */
export interface Inhabitant {
  readonly process: Process
  readonly wire: WorldWire
  fiber?: Fiber.Fiber<unknown, unknown>
}

/** A process that cannot reach the server when it starts tries again. */
const START_AGAIN = "200 millis"

type NodeProfile = Omit<NodeOptions, "name">

/**
 * One server, and the processes around it, on one timeline.
 *
 * It starts and ends processes and notes what is broken. What goes wrong when, others say.
 */
export class World {
  readonly timeline = new Timeline()
  readonly server: SimulatedServer
  readonly coverage = new Coverage()
  readonly chance: Chance
  readonly breaches: Array<Breach> = []
  readonly #options: WorldOptions
  readonly #random: Prng
  readonly #network: Network
  #awayUntil = 0
  #outages = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = options.random.split("processes")
    this.server = new SimulatedServer(this.timeline, options)
    this.chance = new Chance(options.random.split("chance"), options.setting.rates, (kind) => this.hit(kind))
    this.#network = {
      timeline: this.timeline,
      chance: this.chance,
      isAway: () => this.timeline.now() < this.#awayUntil,
      outages: () => this.#outages
    }
  }

  hit(kind: FaultKind): void {
    this.coverage.hit(kind, this.timeline.now())
  }

  /** A line of the story: who did what. */
  say(who: string, what: string): void {
    this.#options.trace?.(`${this.timeline.elapsed.toFixed(3).padStart(10)} ${who.padEnd(8)} ${what}`)
  }

  breach(breach: Breach): void {
    this.breaches.push(breach)
  }

  /** The server answers nobody for a while, and nobody who waits. What it has stored it keeps. */
  restart(millis: number): void {
    this.#outages++
    this.#awayUntil = this.timeline.now() + millis
  }

  heal(): void {
    this.chance.heal()
    this.#awayUntil = 0
    this.server.store.full = false
  }

  /** Starts a node. `ended` is called when it has ended by itself: it left, or could not start. */
  startNode(name: string, profile: NodeProfile, ended: () => void): Inhabitant {
    const node = Effect.flatMap(
      Layer.build(layerNode({ ...profile, name, decisionMax: Duration.infinity })),
      (services) => Effect.flatMap(LocalNode, ({ broken }) => broken).pipe(Effect.provide(services))
    )
    return this.#start(name, Effect.scoped(node), (exit) => {
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      const broken = error instanceof Error && Predicate.isTagged(error, "NodeBroken")
      if (broken) this.breach({ law: INVARIANTS.alive, detail: error.message })
      ended()
    })
  }

  /** Starts a process without actors. A defect in it is a breach: it asserted something, or is wrong itself. */
  startClient(name: string, client: Client, ended: () => void) {
    const main = Effect.flatMap(
      Layer.build(Actors.layer).pipe(Effect.retry(Schedule.spaced(START_AGAIN))),
      (services) => Effect.provide(client, services)
    )
    return this.#start(name, Effect.scoped(main), (exit) => {
      if (Exit.isFailure(exit)) this.breach(breachOf(Cause.squash(exit.cause)))
      ended()
    })
  }

  #start<E>(name: string, main: Effect.Effect<unknown, E, PortServices>, ended: (exit: Exit.Exit<unknown, E>) => void) {
    const { trace, setting } = this.#options
    const random = this.#random.split(`${name} ${this.timeline.elapsed}`)
    const skewMillis = Math.round(random.between(-1, 1) * setting.skewMillis)
    if (skewMillis !== 0) this.hit("skew")
    const log = (line: string) => this.say(name, line)
    const process = new Process({
      name,
      timeline: this.timeline,
      random,
      skewMillis,
      ...(trace !== undefined && { log })
    })
    const wire = new WorldWire(`${name}.${this.server.newProcess()}`, process, this.#network)
    const inhabitant: Inhabitant = { process, wire }
    const services = contextOf(makePorts(this.server, wire)).pipe(
      Context.add(FaultInjection, { strikes: () => this.chance.strikes("activity") })
    )
    inhabitant.fiber = process.start(Effect.provide(main, services), (fiber) => {
      const exit = fiber.pollUnsafe()
      // What is dead ends nothing, and what ended runs no more.
      if (!process.alive || exit === undefined) return
      process.kill()
      ended(exit)
    })
    return inhabitant
  }
}

type PortServices = ActorLog | Leases | Controls

/** What was thrown, as a breach: a law's own, or a defect. */
export const breachOf = (error: unknown): Breach =>
  error instanceof Broken
    ? error.breach
    : { law: "nothing throws", detail: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }
