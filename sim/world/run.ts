import { type Breach, INVARIANTS } from "../invariants/breach.ts"
import { breachOfDecisions } from "../invariants/decisions.ts"
import { History } from "../invariants/history.ts"
import { LogRecording } from "../log/log-recording.ts"
import type { Observer } from "../log/store.ts"
import type { Coverage } from "./coverage.ts"
import { Nodes } from "./episodes.ts"
import { Prng } from "./prng.ts"
import type { Stage, WorldScenario } from "./scenario.ts"
import { ACTIVE_MILLIS, type WorldSetting } from "./setting.ts"
import { storyteller } from "./story.ts"
import { breachOf, type Inhabitant, World } from "./world.ts"

/** Who looks on at a run. It changes nothing. */
export interface Onlookers {
  /** Takes the story of the run, line by line. */
  readonly trace?: (line: string) => void
  /** Sees what happens to the stream: a `Tape`, say. */
  readonly observer?: Observer
}

export interface RunOptions extends Onlookers {
  /** A whole number: with the setting and the scenario, everything that happens follows from it. */
  readonly seed: number
  readonly setting: WorldSetting
  readonly scenario: (stage: Stage) => WorldScenario
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

/** How long the world may take to come to rest once all faults are healed, in milliseconds. */
const REST_MILLIS_MAX = 150_000
const LOOK_EVERY_MILLIS = 250
const HAPPENINGS_MAX = 200_000
const SHARDS = 6
const TTL_MILLIS = 5_000

/**
 * Lets a world live from a seed: faults strike while clients work, then all are healed, and everything has to come to rest.
 *
 * It takes no time but its own, and leaves nothing running. The same options give the same run.
 */
export const runWorld = (options: RunOptions): RunReport => {
  const { seed, setting } = options
  const random = new Prng(seed)
  const observers: Array<Observer> = []
  const world = new World({
    random,
    setting,
    shards: SHARDS,
    ttlMillis: TTL_MILLIS,
    observer: joined(observers),
    trace: options.trace
  })
  world.say("world", `*** seed ${seed}, ${JSON.stringify(setting)}`)
  const scenario = options.scenario({
    random: random.split("scenario"),
    untilMillis: ACTIVE_MILLIS,
    history: () => history,
    elapsed: () => world.timeline.elapsed,
    say: (who, what) => world.say(who, what)
  })
  const { actors } = scenario
  const history = new History(scenario)
  if (options.trace !== undefined) observers.push(storyteller((who, what) => world.say(who, what)))
  const tape = new LogRecording()
  observers.push(history, tape)
  if (options.observer !== undefined) observers.push(options.observer)
  const profile = {
    actors,
    passivateAfter: setting.passivateMillis,
    sweepEvery: setting.sweepMillis,
    memoryBytesMax: setting.memoryBytes,
    asideAfter: setting.asideAfter,
    timersByLogMax: setting.timersByLog
  }
  const nodes = new Nodes(world, random.split("nodes"), setting.places, profile)
  const clients: Array<Inhabitant> = []
  let working = scenario.clients.length
  for (const [index, client] of scenario.clients.entries()) {
    clients.push(world.startClient(`client${index}`, client, () => working--))
  }
  nodes.plan(setting.episodes, () => clients)
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
  if (world.breaches.length === 0) world.breaches.push(...breachOfDecisions(actors, tape), ...scenario.verdict(history))
  return {
    seed,
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
    else if (timeline.elapsed > ACTIVE_MILLIS + REST_MILLIS_MAX) world.breach({ law: INVARIANTS.rest, detail: stirs })
    else timeline.after(LOOK_EVERY_MILLIS, look)
  }
  timeline.after(ACTIVE_MILLIS + LOOK_EVERY_MILLIS, look)
  while (!rests && breaches.length === 0) {
    try {
      if (!timeline.step()) world.breach({ law: INVARIANTS.rest, detail: "nothing happens any more" })
    } catch (error) {
      world.breach(breachOf(error))
    }
    if (timeline.happened > HAPPENINGS_MAX) world.breach({ law: INVARIANTS.rest, detail: "too much happens" })
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
