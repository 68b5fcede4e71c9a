import type { NodeOptions } from "../../runtime/index.ts"
import type { Episode, FaultPlan } from "./faults.ts"
import type { Prng } from "./prng.ts"
import type { Inhabitant, World } from "./world.ts"

const START_AGAIN_MILLIS = 300

/** A place for a node: at most one process runs there, and mostly one does. */
interface Slot {
  readonly index: number
  /** A node that is started again has its old name, or a new one. */
  readonly keepsName: boolean
  starts: number
  node: Inhabitant | undefined
  /** Not to be started before this time. */
  restsUntil: number
}

/** The nodes of a world, and what happens to them: strikes as planned, and keeps as many running as there are places. */
export class Nodes {
  readonly #world: World
  readonly #profile: Omit<NodeOptions, "name">
  readonly #slots: ReadonlyArray<Slot>
  #healed = false

  constructor(world: World, random: Prng, count: number, profile: Omit<NodeOptions, "name">) {
    this.#world = world
    this.#profile = profile
    this.#slots = Array.from({ length: count }, (_, index) => ({
      index,
      keepsName: random.chance(0.5),
      starts: 0,
      node: undefined,
      restsUntil: 0
    }))
    for (const slot of this.#slots) world.timeline.after(random.between(0, 500), () => this.#start(slot))
  }

  /** Lets everything happen that is planned. `clients` can be cut off too. */
  plan({ episodes }: FaultPlan, clients: () => ReadonlyArray<Inhabitant>): void {
    for (const episode of episodes) {
      this.#world.timeline.after(episode.at, () => {
        if (!this.#healed) this.#strike(episode, clients())
      })
    }
  }

  /** Everybody runs, and reaches the log. */
  heal(): void {
    this.#healed = true
    for (const slot of this.#slots) {
      slot.restsUntil = 0
      slot.node?.wire.heal()
      slot.node?.process.thaw()
      if (slot.node === undefined) this.#start(slot)
    }
  }

  #strike(episode: Episode, clients: ReadonlyArray<Inhabitant>): void {
    const { kind, millis, target } = episode
    const { timeline, server } = this.#world
    const slot = this.#slots[target % this.#slots.length]!
    const say = (who: string) => this.#world.say(who, `*** ${kind} for ${millis.toFixed(0)} ms`)
    const hit = () => this.#world.hit(kind)
    switch (kind) {
      case "full":
        say("log")
        hit()
        server.store.full = true
        return timeline.after(millis, () => {
          server.store.full = false
        })
      case "restart":
        say("log")
        hit()
        return this.#world.restart(millis)
      case "partition": {
        const all = [...this.#slots.flatMap(({ node }) => (node === undefined ? [] : [node])), ...clients]
        const one = all[target % all.length]
        if (one === undefined) return
        say(one.process.name)
        hit()
        return one.wire.cut(timeline.now() + millis)
      }
      case "crash":
      case "pause":
      case "leave": {
        const { node } = slot
        if (node === undefined) return
        say(node.process.name)
        hit()
        if (kind === "pause") return this.#pause(node, millis)
        slot.restsUntil = timeline.now() + millis
        if (kind === "leave") return node.process.post(() => node.fiber?.interruptUnsafe())
        node.process.kill()
        slot.node = undefined
        return timeline.after(millis, () => this.#start(slot))
      }
    }
  }

  #pause({ process }: Inhabitant, millis: number): void {
    process.freeze()
    this.#world.timeline.after(millis, () => {
      if (process.frozen) this.#world.say(process.name, "*** goes on")
      process.thaw()
    })
  }

  #start(slot: Slot): void {
    const { timeline } = this.#world
    if (slot.node !== undefined || timeline.now() < slot.restsUntil) return
    const name = slot.keepsName || slot.starts === 0 ? `node${slot.index}` : `node${slot.index}-${slot.starts}`
    slot.starts++
    this.#world.say(name, "*** starts")
    slot.node = this.#world.startNode(name, this.#profile, () => {
      this.#world.say(name, "*** has ended")
      slot.node = undefined
      const again = Math.max(timeline.now() + START_AGAIN_MILLIS, slot.restsUntil)
      timeline.at(again, () => this.#start(slot))
    })
  }
}
