import { engine, type Mutant } from "./mutant.ts"

/** Defects in what a decision is made of, and what comes of it. */
export const DECIDING: ReadonlyArray<Mutant> = [
  {
    defect: "an answer leaves before its step is committed",
    file: engine("actor/activation"),
    from: "    open.add(mail, commit, this.#with.timing)\n",
    to: "    open.add(mail, commit, this.#with.timing)\n    for (const { inbox, payload } of commit.answers) this.#with.effects.replies.answer(inbox, payload)\n",
    laws: /only of what is committed/,
    within: 20
  },
  {
    defect: "a question is answered before what came before it is committed",
    file: engine("actor/activation"),
    from: "state.open.addAnswers(mail, decision.answers)",
    to: "{ state.open.addAnswers(mail, []); for (const { inbox, payload } of decision.answers) this.#with.effects.replies.answer(inbox, payload) }",
    laws: /only of what is committed/,
    within: 20
  },
  {
    defect: "the generation of a timer is forgotten",
    file: engine("step/build"),
    from: "core.timers.get(envelope.name) !== envelope.generation",
    to: "core.timers.get(envelope.name) === undefined",
    laws: /a timer fires once/,
    within: 1_000
  },
  {
    defect: "the generation of an activity is forgotten",
    file: engine("step/build"),
    from: "core.activities.get(envelope.key)?.generation !== envelope.generation",
    to: "core.activities.get(envelope.key) === undefined",
    laws: /outcome of an activity/,
    within: 1_000
  },
  {
    defect: "a message that was seen before is decided again",
    file: engine("step/decide"),
    from: 'if (envelope.kind !== "message" || envelope.id === undefined) return undefined',
    to: "if (envelope.id !== null) return undefined",
    laws: /effect once|same answer|all that lies before/,
    within: 20
  },
  {
    defect: "decisions take the time from the machine's clock",
    file: engine("step/step-context"),
    from: "this.time = mail.time",
    to: "this.time = mail.time + Math.floor(performance.now())",
    laws: /deciding again/,
    within: 20
  },
  {
    defect: "a timer that was cancelled stays open",
    file: engine("step/actor-state"),
    from: "for (const name of step.cancelled ?? []) core.timers.delete(name)",
    to: "",
    laws: /a timer fires once|is what folding/,
    within: 100
  },
  {
    defect: "a message is parked without a letter",
    file: engine("step/park"),
    from: "    letterOf(mail, report, envelope, limits),\n",
    to: "",
    laws: /stored with all/,
    within: 100
  },
  {
    defect: "who watches an actor that stops is not told",
    file: engine("step/stopping"),
    from: "...Array.from(core.watchers, ([watcher, told]) => noticeOf(self, watcher, told, correlation))",
    to: "",
    laws: /who watches/,
    within: 200
  },
  {
    defect: "an actor that stops leaves its timers running",
    file: engine("step/stopping"),
    from: "const cancelled = [...core.timers.keys()].slice(0, TIMERS_REMOVED_MAX)",
    to: "const cancelled: Array<string> = []",
    laws: /closes what is open/,
    within: 400
  },
  {
    defect: "every seventh message of a step is not sent",
    file: engine("step/step-parts"),
    from: '  void parts.outgoing.push({ kind: "mail", to: send.to,',
    to: '  void (parts.context.sequence % 7 > 0 ? parts.outgoing : []).push({ kind: "mail", to: send.to,',
    laws: /gets once/,
    within: 100
  }
]
