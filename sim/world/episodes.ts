import type { NodeOptions } from "../../runtime/index.ts"
import type { LinkCall } from "../log/link.ts"
import type { Prng } from "./prng.ts"
import type { Episode, Place } from "./setting.ts"
import type { Inhabitant, World } from "./world.ts"

/** What a process asks of the leases. */
const LEASE_CALLS: ReadonlyArray<LinkCall> = ["join", "renew", "acquire", "release", "membership"]
const START_AGAIN_MILLIS = 300

/** A place for a node: at most one process runs there, and mostly one does. */
interface Slot extends Place {
  readonly index: number
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

  constructor(world: World, random: Prng, places: ReadonlyArray<Place>, profile: Omit<NodeOptions, "name">) {
    this.#world = world
    this.#profile = profile
    this.#slots = places.map((place, index) => ({ ...place, index, starts: 0, node: undefined, restsUntil: 0 }))
    for (const slot of this.#slots) world.timeline.after(random.between(0, 500), () => this.#start(slot))
  }

  /** Lets everything happen that is planned. `clients` can be cut off too. */
  plan(episodes: ReadonlyArray<Episode>, clients: () => ReadonlyArray<Inhabitant>): void {
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
      case "lapse":
      case "partition": {
        const all = [...this.#slots.flatMap(({ node }) => (node === undefined ? [] : [node])), ...clients]
        const one = all[target % all.length]
        if (one === undefined) return
        say(one.process.name)
        hit()
        return one.wire.cut(timeline.now() + millis, kind === "lapse" ? LEASE_CALLS : undefined)
      }
      case "jump": {
        const { node } = slot
        if (node === undefined) return
        say(node.process.name)
        hit()
        return node.process.jump(target % 2 === 0 ? millis : -millis)
      }
      case "crash":
      case "pause":
      case "leave": {
        const { node } = slot
        if (node === undefined) return
        say(node.process.name)
        hit()
        if (kind === "pause") return this.#pause(node, millis, target % 2 === 0)
        slot.restsUntil = timeline.now() + millis
        if (kind === "leave") return node.process.post(() => node.fiber?.interruptUnsafe())
        node.process.kill()
        slot.node = undefined
        return timeline.after(millis, () => this.#start(slot))
      }
    }
  }

  /** `lapses`: when it goes on, that its leases ran out is the last thing that it learns. */
  #pause({ process, wire }: Inhabitant, millis: number, lapses: boolean): void {
    const { timeline } = this.#world
    process.freezeUntil(timeline.now() + millis)
    timeline.after(millis, () => {
      if (!process.thawIfDue()) return
      this.#world.say(process.name, "*** goes on")
      if (lapses && !this.#healed) wire.cut(timeline.now() + millis, LEASE_CALLS)
    })
  }

  #start(slot: Slot): void {
    const { timeline } = this.#world
    if (slot.node !== undefined || timeline.now() < slot.restsUntil) return
    const name = slot.keepsName || slot.starts === 0 ? `node${slot.index}` : `node${slot.index}-${slot.starts}`
    slot.starts++
    this.#world.say(name, "*** starts")
    const profile = { ...this.#profile, actors: actorsAt(slot.index, this.#slots, this.#profile.actors) }
    slot.node = this.#world.startNode(name, profile, () => {
      this.#world.say(name, "*** has ended")
      slot.node = undefined
      const again = Math.max(timeline.now() + START_AGAIN_MILLIS, slot.restsUntil)
      timeline.at(again, () => this.#start(slot))
    })
  }
}

/** The actors of a place's nodes. A type that all places lack has the last one, and an only type have all. */
const actorsAt = (
  index: number,
  places: ReadonlyArray<Place>,
  actors: NodeOptions["actors"]
): NodeOptions["actors"] => {
  const isOne = actors.length === 1
  const lacks = ({ lacks }: Place, type: number) => !isOne && lacks > 0 && (lacks - 1) % actors.length === type
  return actors.filter(
    (_, type) =>
      !lacks(places[index]!, type) || (index === places.length - 1 && places.every((place) => lacks(place, type)))
  )
}
