import { engine, type Mutant } from "./mutant.ts"

/** Defects in what an actor is found again by. */
export const REMEMBERING: ReadonlyArray<Mutant> = [
  {
    defect: "a snapshot forgets timers",
    file: engine("step/actor-state"),
    from: "timers: Object.fromEntries(core.timers),",
    to: "timers: {},",
    laws: /is what folding/,
    within: 20
  },
  {
    defect: "a snapshot forgets which messages were seen",
    file: engine("step/actor-state"),
    from: "  ...recentOf(core),\n",
    to: "  recent: [],\n",
    laws: /effect once|same answer|left undone/,
    within: 200
  },
  {
    defect: "the id of a message that was parked is not remembered",
    file: engine("step/park"),
    from: "    ...idsOf(envelope),\n",
    to: "",
    laws: /parked once/,
    within: 100
  },
  {
    defect: "a snapshot forgets what keys stand for",
    file: engine("step/actor-state"),
    from: "  ...onceOf(core),\n",
    to: "",
    laws: /a key stands for one/,
    within: 200
  },
  {
    defect: "a key may stand for another message",
    file: engine("step/decide"),
    from: "if (other.once?.startsWith(key) === true && other.once !== once) return true",
    to: "if (other.once === key) return true",
    laws: /a key stands for one/,
    within: 20
  },
  {
    defect: "a snapshot forgets who watches",
    file: engine("step/actor-state"),
    from: "...(core.watchers.size > 0 && { watchers: Object.fromEntries(core.watchers) }),",
    to: "",
    laws: /is what folding/,
    within: 200
  },
  {
    defect: "a snapshot does not fold the last step",
    file: engine("commit/journal-writer"),
    from: "JSON.stringify(takeSnapshot(this.#compiled, core))",
    to: "JSON.stringify({ ...takeSnapshot(this.#compiled, core), consumed: core.consumed - 1 })",
    laws: /is what folding/,
    within: 20
  },
  {
    defect: "a complete history is truncated by a snapshot",
    file: engine("commit/journal-writer"),
    from: "const truncate = due && snapshot !== undefined && !complete",
    to: "const truncate = due && snapshot !== undefined",
    laws: /complete history/,
    within: 20
  },
  {
    defect: "open activities are not started again by the next owner",
    file: engine("actor/activation"),
    from: "for (const key of this.core.activities.keys()) this.#with.effects.activities.start(this, key)",
    to: "",
    laws: /left undone/,
    within: 200
  },
  {
    defect: "mail that began an open activity is removed",
    file: engine("shard/shard"),
    from: "    oldest = Math.min(oldest, this.#oldestActivity())\n",
    to: "",
    laws: /left undone/,
    within: 3_000
  }
]
