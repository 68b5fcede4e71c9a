import { engine, type Mutant } from "./mutant.ts"

/** Defects in whose an actor is, and how far its mail is. */
export const OWNING: ReadonlyArray<Mutant> = [
  {
    defect: "a tail is taken to be further than it is",
    file: engine("shard/shards"),
    from: "this.#reached = Math.max(this.#reached, sequence)",
    to: "this.#reached = Math.max(this.#reached, sequence + 2)",
    laws: /removed before/,
    within: 200
  },
  {
    defect: "one message too many is removed",
    file: engine("shard/shards"),
    from: "(shard.progress.oldestOpen ?? Number.POSITIVE_INFINITY) - 1)",
    to: "shard.progress.oldestOpen ?? Number.POSITIVE_INFINITY)",
    laws: /removed before|left undone/,
    within: 20
  },
  {
    defect: "what is done is said after the renewal and not before",
    file: engine("node/node"),
    from: "      this.#parts.purge.take(said)\n",
    to: "      this.#parts.purge.take(this.#parts.shards.done(() => true))\n",
    laws: /removed before/,
    within: 500,
    survives:
      "until the answer to a renewal comes, decisions are made under the lease before it; only a clock set back at just that moment lets a message without effect pass"
  },
  {
    defect: "a shard is owned in a life in which it was not acquired",
    file: engine("node/moves"),
    from: "if (before === life()) holdings.acquired(shard)",
    to: "holdings.acquired(shard)",
    laws: /./,
    within: 500,
    survives:
      "the guard on the journal makes it good: whoever holds a shard in vain loses each commit, and gives the shard back"
  },
  {
    defect: "a lease is held three times too long",
    file: engine("node/node-lease"),
    from: "const { ttlMillis } = this.#leases",
    to: "const ttlMillis = 3 * this.#leases.ttlMillis",
    laws: /all that lies before/,
    within: 5_000,
    faults: "pause=4"
  },
  {
    defect: "a clock that is set back lengthens a lease",
    file: engine("node/node-lease"),
    from: "return time <= until.time && monotonic <= until.monotonic",
    to: "return time <= until.time",
    laws: /all that lies before|left undone|removed before/,
    within: 5_000,
    faults: "jump=6,pause=3"
  },
  {
    defect: "decisions do not wait for the lease to be renewed",
    file: engine("node/decision-right"),
    from: "if (this.#log.status.fault === undefined && this.#lease.mayDecide()) return true",
    to: "if (this.#lease !== undefined) return true",
    laws: /all that lies before/,
    within: 5_000,
    faults: "pause=4"
  },
  {
    defect: "a shard that was lost and taken again is read by the tail from before",
    file: engine("shard/shards"),
    from: "[...this.#owned].some(([name, shard]) => this.#read.get(name) !== shard)",
    to: "[...this.#owned.keys()].some((name) => !this.#read.has(name))",
    laws: /left undone|removed before/,
    within: 1_000
  },
  {
    defect: "actors that hold mail are not woken by a new tail",
    file: engine("node/node"),
    from: "Effect.sync(() => shards.resume()) // what was delivered before waits, too",
    to: "Effect.void",
    laws: /left undone/,
    within: 3_000,
    faults: "unacked=0.5,slow=0.25,leave=4,crash=4"
  },
  {
    defect: "a new shard is read from where the tail was",
    file: engine("shard/shards"),
    from: "this.#passed.set(name, Math.max(this.#host.watermarks.of(name), this.#host.watermarks.of(shardOfName(name))))",
    to: "this.#passed.set(name, this.#reached)",
    laws: /left undone|removed before/,
    within: 200
  },
  {
    defect: "what is paused and goes on is not woken",
    file: engine("shard/shard"),
    from: "      activation.resume()\n    }\n    for (const [key, { address }] of this.#held)",
    to: "    }\n    for (const [key, { address }] of this.#held)",
    laws: /left undone/,
    within: 400
  },
  {
    defect: "mail that was set aside is read from one too far on",
    file: engine("recovery/recovery-reader"),
    from: "this.#log.readMail(activation.address, from - 1, PAGE)",
    to: "this.#log.readMail(activation.address, from, PAGE)",
    laws: /left undone|removed before|gets once/,
    within: 400
  },
  {
    defect: "mail of a type that is not served here counts as done",
    file: engine("shard/shard"),
    from: "    this.#foreign.add(mail)\n",
    to: "",
    laws: /removed before|left undone/,
    within: 200
  },
  {
    defect: "a lane that nobody holds any more is not taken by the shard's holder",
    file: engine("shard/lanes"),
    from: "owner === node && excludes",
    to: "owner === node && !excludes",
    laws: /left undone/,
    within: 1_000
  },
  {
    defect: "mail of who is set aside is removed with that of the others",
    file: engine("shard/aside"),
    from: "return { reach, except: [...names] }",
    to: "return { reach, except: [] }",
    laws: /removed before|left undone|before its effects/,
    within: 200
  }
]
