import { engine, type Mutant } from "./mutant.ts"

/** Defects in what an actor may do at present, and in what waits in memory. */
export const LIMITING: ReadonlyArray<Mutant> = [
  {
    defect: "a rate is measured by a clock that can be set",
    file: engine("engine"),
    from: "new TypeLimiters(clock)",
    to: "new TypeLimiters({ now, later: clock.later })",
    laws: /left undone/,
    within: 100
  },
  {
    defect: "who has a place and waits for the rate waits for a place",
    file: engine("actor/type-limiter"),
    from: "const waiting = this.#working.has(activation) ? this.#starved : this.#waiting",
    to: "const waiting = this.#waiting",
    laws: /left undone/,
    within: 1_000
  },
  {
    defect: "who makes room for another does not call the next one",
    file: engine("actor/type-limiter"),
    from: "if (this.#working.delete(activation)) this.#callNext()",
    to: "this.#working.delete(activation)",
    laws: /left undone/,
    within: 1_000
  },
  {
    defect: "who is not let in for the rate is not called again",
    file: engine("actor/type-limiter"),
    from: "      this.#callWhenFilled()\n      return false",
    to: "      return false",
    laws: /left undone/,
    within: 50
  },
  {
    defect: "mail that comes while a backlog is read is put before it",
    file: engine("actor/mailbox"),
    from: "if (aside || this.#backlog !== undefined || (full",
    to: "if (aside || (full",
    laws: /left undone|removed before|gets once/,
    within: 1_000
  },
  {
    defect: "what was read of a backlog counts although more was set aside before it",
    file: engine("actor/mailbox"),
    from: "backlog.from !== from) return 0",
    to: "from === undefined) return 0",
    laws: /left undone|removed before|gets once|once/,
    within: 3_000,
    survives: "it takes two pauses of one actor within one read of its mail; `test/runtime/refill.test.ts` holds it"
  },
  {
    defect: "an actor that was not let in does not read its backlog when it is",
    file: engine("actor/activation"),
    from: "    this.#barred = false\n    if (this.#state.phase",
    to: "    if (this.#state.phase",
    laws: /left undone/,
    within: 1_000
  },
  {
    defect: "a journal that is read for an activation that was given up brings it to life again",
    file: engine("recovery/recovery-reader"),
    from: "    this.#wanted.delete(activation)\n    this.#journals.delete(activation)\n",
    to: "    this.#journals.delete(activation)\n",
    laws: /./,
    within: 3_000
  },
  {
    defect: "actors of a shard that is lost go on",
    file: engine("shard/shard"),
    from: "for (const activation of this.#activations.values()) activation.abandon()",
    to: "",
    laws: /./,
    within: 3_000
  },
  {
    defect: "who is tested after its shard was taken from a node that died does not get its mail",
    file: engine("recovery/probation"),
    from: "const mails = this.#waiting.get(actor)?.mails ?? []",
    to: "const mails: ReadonlyArray<Mail> = []",
    laws: /left undone|effect/,
    within: 20
  },
  {
    defect: "a message that fails is never tried again",
    file: engine("actor/retries"),
    from: "    this.#waiting = false\n",
    to: "",
    laws: /left undone/,
    within: 200
  },
  {
    defect: "a shard is given back before its actors have committed what they decided",
    file: engine("shard/shard"),
    from: "return Effect.sync(() => this.#progress.open + this.#reread === (this.#probation?.messages ?? 0)).pipe(",
    to: "return Effect.sync(() => true).pipe(",
    laws: /./,
    within: 500,
    survives: "the next owner decides again what was not committed: it costs time, and nothing else"
  },
  {
    defect: "a lease runs from when its renewal was answered",
    file: engine("node/node-lease"),
    from: '        this.#hold(started)\n        return "renewed"',
    to: '        this.#hold(this.#read())\n        return "renewed"',
    laws: /all that lies before/,
    within: 5_000,
    survives: "it is too long by the way back of an answer, and another node takes about as long to take over",
    faults: "slow=0.25,pause=4"
  },
  {
    defect: "an event is not published",
    file: engine("step/step-parts"),
    from: '      parts.outgoing.push({ kind: "event",',
    to: '      if (parts.context.sequence % 7 > 0) parts.outgoing.push({ kind: "event",',
    laws: /publishes is stored once/,
    within: 50
  },
  {
    defect: "a timer that a node fires itself is fired too early",
    file: engine("commit/node-timers"),
    from: "Math.ceil(Math.max(due, this.#host.now()) / TICK_MILLIS)",
    to: "Math.ceil((due + this.#host.now()) / 2 / TICK_MILLIS)",
    laws: /no earlier than it is due/,
    within: 50
  },
  {
    defect: "a timer that a node fires itself is fired for another actor",
    file: engine("commit/node-timers"),
    from: "#send(due: ReadonlyArray<KeptTimer>): Effect.Effect<void> {",
    to: "#send(kept: ReadonlyArray<KeptTimer>): Effect.Effect<void> {\n    const due = kept.map((one) => ({ ...one, to: { ...one.to, id: one.to.id.repeat(2) } }))",
    laws: /./,
    within: 50
  },
  {
    defect: "what a step sends leaves in another order",
    file: engine("commit/commit-buffer"),
    from: "return void this.entries.push(entry)\n    const earlier",
    to: "return void this.entries.unshift(entry)\n    const earlier",
    laws: /stored with all/,
    within: 50
  },
  {
    defect: "a timer that is cancelled stays on the server",
    file: engine("step/step-parts"),
    from: '  parts.outgoing.push({ kind: "untimer", owner: parts.self, name })\n',
    to: "",
    laws: /stored with all/,
    within: 50
  },
  {
    defect: "of a timer that is set twice in a record the first word counts",
    file: engine("commit/commit-buffer"),
    from: "if (earlier >= 0) this.entries.splice(earlier, 1)",
    to: "if (earlier >= 0) return",
    laws: /stored with all/,
    within: 400
  },
  {
    defect: "a timer is set a second too late",
    file: engine("step/step-parts"),
    from: "owner: parts.self, name, at, value",
    to: "owner: parts.self, name, at: at + 1_000, value",
    laws: /stored with all/,
    within: 20
  },
  {
    defect: "a message that is parked is alerted of by nobody",
    file: engine("step/park"),
    from: "    alertOf(mail, report),\n",
    to: "",
    laws: /publishes is stored once/,
    within: 100
  },
  {
    defect: "an activity that was cancelled goes on",
    file: engine("commit/after-commit"),
    from: "for (const key of stored.ended) activities.stop(activation, key)",
    to: "",
    laws: /./,
    within: 500,
    survives: "its outcome is ignored, so it costs only what it does; `test/runtime/activity.test.ts` holds it"
  },
  {
    defect: "an activity starts before its step is committed",
    file: engine("actor/activation"),
    from: "    open.add(mail, commit, this.#with.timing)\n",
    to: "    open.add(mail, commit, this.#with.timing)\n    for (const key of Object.keys(commit.step.started ?? {})) this.#with.effects.activities.start(this, key)\n",
    laws: /only of a step that is stored/,
    within: 1_000
  },
  {
    defect: "how often a message was tried is forgotten between two tries",
    file: engine("actor/retries"),
    from: "sequence === this.#sequence ? this.#attempts + 1 : 1",
    to: "1",
    laws: /left undone|too much/,
    within: 200
  },
  {
    defect: "repeated asks are decided as if they were the first",
    file: engine("step/decide"),
    from: 'if (envelope.kind === "message" && envelope.again === true) {',
    to: 'if (envelope.kind === "message" && envelope.id === "") {',
    laws: /./,
    within: 1_000,
    survives:
      "no message of the ledger has an effect or none by the state of its receiver; those that had one are remembered"
  },
  {
    defect: "an actor that has stopped decides on",
    file: engine("step/decide"),
    from: "    if (core.stopped) return afterStop(mail, envelope)\n",
    to: "",
    laws: /decides nothing/,
    within: 200
  },
  {
    defect: "everybody is removed from memory at each round, whoever works",
    file: engine("actor/activation"),
    from: 'phase === "running" && !isUndone && actor',
    to: 'phase === "running" && actor',
    laws: /./,
    within: 1_000
  },
  {
    defect: "a place for reading journals is never given back",
    file: engine("recovery/recovery-reader"),
    from: "          this.#running--\n          this.#startNext()\n",
    to: "          this.#startNext()\n",
    laws: /left undone/,
    within: 1_000,
    survives: "a node of these runs reads fewer journals than it has places for, which are 128"
  }
]
