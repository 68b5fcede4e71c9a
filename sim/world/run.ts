import type { Entry } from "../../runtime/index.ts"
import { type Breach, LAWS } from "../laws/breach.ts"
import { History } from "../laws/history.ts"
import type { Ports } from "../log/layer.ts"
import type { Observer } from "../log/store.ts"
import type { Coverage } from "./coverage.ts"
import { Nodes } from "./episodes.ts"
import { drawPlan, FAULT_KINDS, type FaultKind } from "./faults.ts"
import { Prng } from "./prng.ts"
import type { MakeScenario } from "./scenario.ts"
import { breachOf, type Inhabitant, World } from "./world.ts"

export interface RunOptions {
  /** A whole number: everything that happens follows from it. */
  readonly seed: number
  readonly scenario: MakeScenario
  /** What may go wrong; everything, unless given. */
  readonly faults?: ReadonlySet<FaultKind>
  /** Takes the story of the run, line by line. */
  readonly trace?: (line: string) => void
  /** Looks on while things happen to the stream: a `Tape`, say. */
  readonly observer?: Observer
  /** Changes what every process reaches of the server: a defect, say. */
  readonly disguise?: (ports: Ports) => Ports
}

/** What came of a run. */
export interface RunReport {
  readonly seed: number
  /** None, if every law held. */
  readonly breaches: ReadonlyArray<Breach>
  readonly simulatedMillis: number
  /** Messages stored, groups stored, and things that happened on the timeline. */
  readonly messages: number
  readonly commits: number
  readonly happenings: number
  readonly coverage: Coverage
}

const ACTIVE_MILLIS = 20_000
/** How long the world may take to come to rest once all faults are healed, in milliseconds. */
const REST_MILLIS_MAX = 150_000
const LOOK_EVERY_MILLIS = 250
const HAPPENINGS_MAX = 200_000
const SHARDS = 6
const TTL_MILLIS = 5_000
const NODES_MAX = 4

/**
 * Lets a world live from a seed: faults strike while clients work, then all are healed, and everything has to come to rest.
 *
 * It takes no time but its own, and leaves nothing running. The same options give the same run.
 */
export const runWorld = (options: RunOptions): RunReport => {
  const random = new Prng(options.seed)
  const plan = drawPlan(random.split("plan"), options.faults ?? new Set(FAULT_KINDS), ACTIVE_MILLIS)
  const observers: Array<Observer> = []
  const world = new World({
    random,
    plan,
    shards: SHARDS,
    ttlMillis: TTL_MILLIS,
    observer: joined(observers),
    trace: options.trace,
    ...(options.disguise !== undefined && { disguise: options.disguise })
  })
  world.say("world", `*** seed ${options.seed}, ${JSON.stringify(plan)}`)
  const scenario = options.scenario({
    random: random.split("scenario"),
    untilMillis: ACTIVE_MILLIS,
    history: () => history,
    elapsed: () => world.timeline.elapsed,
    say: (who, what) => world.say(who, what)
  })
  const { actors, effectless = [], eventsTold } = scenario
  const history = new History({
    actors,
    effectless: new Set(effectless),
    ...(eventsTold !== undefined && { eventsTold })
  })
  if (options.trace !== undefined) observers.push(storyteller(world))
  observers.push(history)
  if (options.observer !== undefined) observers.push(options.observer)
  const draws = random.split("nodes")
  const sweepEvery = draws.pick([500, 5_000])
  const profile = { actors, passivateAfter: draws.pick([0, 1_000, 15_000]), sweepEvery }
  const nodes = new Nodes(world, draws, 1 + draws.below(NODES_MAX), profile)
  const clients: Array<Inhabitant> = []
  let working = scenario.clients.length
  for (const [index, client] of scenario.clients.entries()) {
    clients.push(world.startClient(`client${index}`, client, () => working--))
  }
  nodes.plan(plan, () => clients)
  world.timeline.after(ACTIVE_MILLIS, () => {
    world.say("world", "*** all faults are healed")
    world.heal()
    nodes.heal()
    for (const { wire } of clients) wire.heal()
  })
  const unrest = () => unrestOf(world, history, working)
  live(world, unrest)
  const { nodes: alive, holders } = world.server.leases.membership
  world.say(
    "log",
    `at the end: ${JSON.stringify({ alive: Object.fromEntries(alive), holders: Object.fromEntries(holders) })}`
  )
  if (world.breaches.length === 0) world.breaches.push(...scenario.verdict(history))
  return {
    seed: options.seed,
    breaches: world.breaches,
    simulatedMillis: world.timeline.elapsed,
    messages: history.messages,
    commits: history.commits,
    happenings: world.timeline.happened,
    coverage: world.coverage
  }
}

/** Lets things happen until there is rest after all faults are healed, or something is broken. */
const live = (world: World, unrest: () => string | undefined): void => {
  const { timeline, breaches } = world
  let rests = false
  const look = (): void => {
    const stirs = unrest()
    if (stirs === undefined) rests = true
    else if (timeline.elapsed > ACTIVE_MILLIS + REST_MILLIS_MAX) world.breach({ law: LAWS.rest, detail: stirs })
    else timeline.after(LOOK_EVERY_MILLIS, look)
  }
  timeline.after(ACTIVE_MILLIS + LOOK_EVERY_MILLIS, look)
  while (!rests && breaches.length === 0) {
    try {
      if (!timeline.step()) world.breach({ law: LAWS.rest, detail: "nothing happens any more" })
    } catch (error) {
      world.breach(breachOf(error))
    }
    if (timeline.happened > HAPPENINGS_MAX) world.breach({ law: LAWS.rest, detail: "too much happens" })
  }
}

/** What is not at rest yet. */
const unrestOf = (world: World, history: History, working: number): string | undefined => {
  if (working > 0) return `${working} clients have not finished`
  const { store, leases } = world.server
  const undone = history.undone
  if (undone !== undefined) return undone
  const mail = store.mail[0]
  if (mail !== undefined) return `${store.mail.length} messages are not removed, the first at ${mail.sequence}`
  if (store.timers > 0) return `${store.timers} timers are set`
  for (const [node, { open }] of leases.membership.nodes) {
    if (open > 0) return `${node} says that ${open} messages are open`
  }
  return undefined
}

const joined = (observers: ReadonlyArray<Observer>): Observer => ({
  committed: (commit) => {
    for (const observer of observers) observer.committed?.(commit)
  },
  refused: (by, group, error) => {
    for (const observer of observers) observer.refused?.(by, group, error)
  },
  purged: (upTo, role, mails) => {
    for (const observer of observers) observer.purged?.(upTo, role, mails)
  },
  answered: (inbox, payload) => {
    for (const observer of observers) observer.answered?.(inbox, payload)
  }
})

/** Tells what happens to the stream. */
const storyteller = (world: World): Observer => ({
  committed: ({ by, first, last, entries }) => world.say(by, `stored ${first}-${last}: ${briefly(entries)}`),
  refused: (by, group, error) => world.say(by, `refused, ${error._tag} (${error.message}): ${briefly(group)}`),
  purged: (upTo, role, mails) => world.say("log", `purged ${role} up to ${upTo}: ${mails.length} messages`),
  answered: (inbox, payload) => world.say(inbox, `is answered ${payload}`)
})

const briefly = (entries: ReadonlyArray<Entry>): string => entries.map(brief).join(", ")

const brief = (entry: Entry): string => {
  switch (entry.kind) {
    case "mail":
      return `mail to ${entry.to.type}/${entry.to.id} ${entry.payload}`
    case "journal":
      return `record of ${entry.owner.type}/${entry.owner.id} after ${entry.expected} ${entry.payload}`
    case "timer":
    case "untimer":
      return `${entry.kind} ${entry.name} of ${entry.owner.type}/${entry.owner.id}`
    case "event":
      return `event ${entry.subject}`
    case "dead":
      return `letter of ${entry.owner.type}/${entry.owner.id}`
  }
}
