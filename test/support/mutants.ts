/** A deliberate defect: a change of one place in the source. */
export interface Mutant {
  readonly defect: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** The laws of which one has to notice it. */
  readonly laws: RegExp
  /** Within how many runs it is to be noticed. */
  readonly within: number
  /** What goes wrong in these runs; everything, unless given. */
  readonly faults?: string
  /** Why it is not noticed, where it is not. */
  readonly survives?: string
}

const engine = (file: string) => `runtime/engine/${file}.ts`

const DECIDING: ReadonlyArray<Mutant> = [
  {
    defect: "an answer leaves before its step is committed",
    file: engine("activation"),
    from: "    addCommit(this.#open, mail, commit)\n",
    to: "    addCommit(this.#open, mail, commit)\n    for (const answer of commit.answers) this.#host.answer(answer)\n",
    laws: /only of what is committed/,
    within: 100
  },
  {
    defect: "a question is answered before what came before it is committed",
    file: engine("activation"),
    from: "for (const answer of answers) this.#open.answers.push(answer)",
    to: "for (const answer of answers) this.#host.answer(answer)",
    laws: /only of what is committed/,
    within: 100
  },
  {
    defect: "the generation of a timer is forgotten",
    file: engine("decide"),
    from: "core.timers.get(envelope.name) !== envelope.generation",
    to: "core.timers.get(envelope.name) === undefined",
    laws: /a timer fires once/,
    within: 200
  },
  {
    defect: "the generation of an activity is forgotten",
    file: engine("decide"),
    from: "core.activities.get(envelope.key)?.generation !== envelope.generation",
    to: "core.activities.get(envelope.key) === undefined",
    laws: /outcome of an activity/,
    within: 200
  },
  {
    defect: "a message that was seen before is decided again",
    file: engine("decide"),
    from: 'if (envelope.kind !== "message" || envelope.id === undefined) return undefined',
    to: "if (envelope.id !== null) return undefined",
    laws: /effect once|same answer|all that lies before/,
    within: 100
  },
  {
    defect: "decisions take the time from the machine's clock",
    file: engine("decide"),
    from: "    time: mail.time,\n    sequence: mail.sequence,\n    messageId",
    to: "    time: mail.time + Math.floor(performance.now()),\n    sequence: mail.sequence,\n    messageId",
    laws: /deciding again/,
    within: 20
  },
  {
    defect: "a timer that was cancelled stays open",
    file: engine("core"),
    from: "for (const name of step.cancelled ?? []) core.timers.delete(name)",
    to: "",
    laws: /a timer fires once|is what folding/,
    within: 100
  },
  {
    defect: "a message is parked without a letter",
    file: engine("park"),
    from: "    letterOf(mail, report, envelope, limits),\n",
    to: "",
    laws: /stored with all/,
    within: 100
  },
  {
    defect: "who watches an actor that stops is not told",
    file: engine("stopping"),
    from: "...Array.from(core.watchers, ([watcher, told]) => noticeOf(self, watcher, told, correlation))",
    to: "",
    laws: /who watches/,
    within: 200
  },
  {
    defect: "an actor that stops leaves its timers running",
    file: engine("stopping"),
    from: "const cancelled = [...core.timers.keys()].slice(0, TIMERS_REMOVED_MAX)",
    to: "const cancelled: Array<string> = []",
    laws: /closes what is open/,
    within: 400
  },
  {
    defect: "every seventh message of a step is not sent",
    file: engine("draft"),
    from: "  void draft.entries.push(mailOf(draft.self, send, draft.envelope))",
    to: "  void (draft.context.sequence % 7 > 0 && draft.entries.push(mailOf(draft.self, send, draft.envelope)))",
    laws: /gets once/,
    within: 100
  }
]

const REMEMBERING: ReadonlyArray<Mutant> = [
  {
    defect: "a snapshot forgets timers",
    file: engine("core"),
    from: "timers: Object.fromEntries(core.timers),",
    to: "timers: {},",
    laws: /is what folding/,
    within: 20
  },
  {
    defect: "a snapshot forgets which messages were seen",
    file: engine("core"),
    from: "recent: Array.from(core.recent, ([id, { answer, time }]) => [id, answer, time] as const),",
    to: "recent: [],",
    laws: /effect once|same answer|left undone/,
    within: 200
  },
  {
    defect: "a snapshot forgets who watches",
    file: engine("core"),
    from: "...(core.watchers.size > 0 && { watchers: Object.fromEntries(core.watchers) }),",
    to: "",
    laws: /is what folding/,
    within: 200
  },
  {
    defect: "a snapshot does not fold the last step",
    file: engine("recorder"),
    from: "JSON.stringify(takeSnapshot(this.#compiled, core))",
    to: "JSON.stringify({ ...takeSnapshot(this.#compiled, core), consumed: core.consumed - 1 })",
    laws: /is what folding/,
    within: 20
  },
  {
    defect: "a complete history is truncated by a snapshot",
    file: engine("recorder"),
    from: "const truncate = due && snapshot !== undefined && !complete",
    to: "const truncate = due && snapshot !== undefined",
    laws: /complete history/,
    within: 20
  },
  {
    defect: "open activities are not started again by the next owner",
    file: engine("activation"),
    from: "for (const key of this.#core.activities.keys()) this.#host.startActivity(this, key)",
    to: "",
    laws: /left undone/,
    within: 200
  },
  {
    defect: "mail that began an open activity is removed",
    file: engine("shard"),
    from: "    oldest = Math.min(oldest, this.#oldestActivity())\n",
    to: "",
    laws: /left undone/,
    within: 3_000
  }
]

const COMMITTING: ReadonlyArray<Mutant> = [
  {
    defect: "the journal has no guard",
    file: "sim/log/store.ts",
    from: "if (last !== entry.expected)",
    to: "if (last < 0)",
    laws: /one history/,
    within: 100
  },
  {
    defect: "a step is stored in two halves",
    file: engine("commit"),
    from: "    return this.#log.append(group).pipe(",
    to: `    const rest = group.filter(({ kind }) => kind !== "journal")
    return Effect.andThen(
      rest.length > 0 ? this.#log.append(rest) : Effect.void,
      this.#log.append(group.filter(({ kind }) => kind === "journal"))
    ).pipe(`,
    laws: /./,
    within: 100
  },
  {
    defect: "the newest record of a journal is not read",
    file: engine("loads"),
    from: "activation.recover(records)",
    to: "activation.recover(records.slice(0, -1))",
    laws: /left undone|too much happens/,
    within: 100
  },
  {
    defect: "a commit that was refused is taken to be stored",
    file: engine("commit"),
    from: '        return Effect.sync(() => activation.reload())\n      case "TooLarge"',
    to: '        return Effect.sync(() => activation.committed(1))\n      case "TooLarge"',
    laws: /./,
    within: 200
  },
  {
    defect: "a commit whose answer was lost is taken to be stored",
    file: engine("commit"),
    from: '      case "LogFull":\n        this.#meter',
    to: '      case "LogFull":\n        if (error._tag === "LogUnavailable") return Effect.sync(() => activation.committed(1))\n        this.#meter',
    laws: /./,
    within: 100
  },
  {
    defect: "mail of a refused commit is not decided again",
    file: engine("activation"),
    from: "this.#mailbox.unshift([...(this.#flight?.mails ?? []), ...this.#open.mails])",
    to: "this.#mailbox.unshift([...this.#open.mails])",
    laws: /left undone|removed before|only of what/,
    within: 200
  },
  {
    defect: "mail of a refused commit is decided in another order",
    file: engine("activation"),
    from: "this.#mailbox.unshift([...(this.#flight?.mails ?? []), ...this.#open.mails])",
    to: "this.#mailbox.unshift([...this.#open.mails, ...(this.#flight?.mails ?? [])])",
    laws: /left undone|removed before|only of what|all that lies before|gets once|one effect/,
    within: 3_000,
    faults: "slow=0.25,crash=2,unacked=0.1"
  },
  {
    defect: "an actor is passivated while it has work",
    file: engine("shard"),
    from: "if (!activation.idle) return false",
    to: "",
    laws: /./,
    within: 200
  },
  {
    defect: "a group from outside is sent again without its id",
    file: "runtime/outbox.ts",
    from: "this.#log.append(entries, id)",
    to: "this.#log.append(entries)",
    laws: /effect once|one effect|parked once/,
    within: 100
  },
  {
    defect: "what is refused after a try without answer is said to be refused",
    file: "runtime/outbox.ts",
    from: 'return doubt && error._tag !== "LogUnavailable" ? new LogUnavailable({ detail: error.message }) : error',
    to: "return error",
    laws: /one effect/,
    within: 1_000
  },
  {
    defect: "an ask fails when asking for its answer again is refused",
    file: "runtime/asks.ts",
    from: "return Effect.ignore(this.#outbox.send(again(age)))",
    to: "return this.#outbox.send(again(age))",
    laws: /one effect/,
    within: 200
  }
]

const OWNING: ReadonlyArray<Mutant> = [
  {
    defect: "a tail is taken to be further than it is",
    file: engine("shards"),
    from: "this.#reached = Math.max(this.#reached, sequence)",
    to: "this.#reached = Math.max(this.#reached, sequence + 2)",
    laws: /removed before/,
    within: 200
  },
  {
    defect: "one message too many is removed",
    file: engine("shards"),
    from: "(shard.progress.oldestOpen ?? Number.POSITIVE_INFINITY) - 1)",
    to: "shard.progress.oldestOpen ?? Number.POSITIVE_INFINITY)",
    laws: /removed before|left undone/,
    within: 200
  },
  {
    defect: "what is done is said after the renewal and not before",
    file: engine("node"),
    from: "      this.#purge.take(done)\n",
    to: "      this.#purge.take(this.#shards.done())\n",
    laws: /removed before/,
    within: 500,
    survives:
      "until the answer to a renewal comes, decisions are made under the lease before it; only a clock set back at just that moment lets a message without effect pass"
  },
  {
    defect: "a shard is owned in a life in which it was not acquired",
    file: engine("node"),
    from: "if (held && life === this.#presence.life)",
    to: "if (held)",
    laws: /./,
    within: 500,
    survives:
      "the guard on the journal makes it good: whoever holds a shard in vain loses each commit, and gives the shard back"
  },
  {
    defect: "a lease is held three times too long",
    file: engine("presence"),
    from: "const { ttlMillis } = this.#leases",
    to: "const ttlMillis = 3 * this.#leases.ttlMillis",
    laws: /all that lies before/,
    within: 5_000,
    faults: "pause=4"
  },
  {
    defect: "a clock that is set back lengthens a lease",
    file: engine("presence"),
    from: "return time <= until.time && monotonic <= until.monotonic",
    to: "return time <= until.time",
    laws: /all that lies before/,
    within: 5_000,
    faults: "jump=6,pause=3"
  },
  {
    defect: "decisions do not wait for the lease to be renewed",
    file: engine("node"),
    from: "if (this.#presence.mayDecide()) return true",
    to: "if (this.#presence !== undefined) return true",
    laws: /all that lies before/,
    within: 5_000,
    faults: "pause=4"
  },
  {
    defect: "a shard that was lost and taken again is read by the tail from before",
    file: engine("shards"),
    from: "[...this.#owned].some(([name, shard]) => this.#read.get(name) !== shard)",
    to: "[...this.#owned.keys()].some((name) => !this.#read.has(name))",
    laws: /left undone|removed before/,
    within: 1_000
  },
  {
    defect: "actors that hold mail are not woken by a new tail",
    file: engine("node"),
    from: "Effect.sync(() => this.#shards.resume()) // what was delivered before waits, too",
    to: "Effect.void",
    laws: /left undone/,
    within: 3_000,
    faults: "lapse=4,leave=3"
  },
  {
    defect: "a new shard is read from where the tail was",
    file: engine("shards"),
    from: "this.#passed.set(name, this.#host.doneUpTo(name))",
    to: "this.#passed.set(name, this.#reached)",
    laws: /left undone|removed before/,
    within: 200
  },
  {
    defect: "what is paused and goes on is not woken",
    file: engine("shard"),
    from: "      activation.resume()\n    }\n    for (const [key, { address }] of this.#held)",
    to: "    }\n    for (const [key, { address }] of this.#held)",
    laws: /left undone/,
    within: 400
  },
  {
    defect: "mail that was set aside is read from one too far on",
    file: engine("loads"),
    from: "this.#log.readMail(activation.address, from - 1, PAGE)",
    to: "this.#log.readMail(activation.address, from, PAGE)",
    laws: /left undone|removed before|gets once/,
    within: 400
  }
]

/** Every deliberate defect that the simulation is held to notice. */
export const MUTANTS: ReadonlyArray<Mutant> = [...DECIDING, ...REMEMBERING, ...COMMITTING, ...OWNING]
