import { engine, type Mutant } from "./mutant.ts"

/** Defects in how steps and messages are stored. */
export const COMMITTING: ReadonlyArray<Mutant> = [
  {
    defect: "the journal has no guard",
    file: "sim/log/store.ts",
    from: "if (last !== entry.expected)",
    to: "if (last < 0)",
    laws: /one history/,
    within: 20
  },
  {
    defect: "a step is stored in two halves",
    file: engine("commit/commit"),
    from: "    return this.#log.append(group).pipe(",
    to: `    const rest = group.filter(({ kind }) => kind !== "journal")
    return Effect.andThen(
      rest.length > 0 ? this.#log.append(rest) : Effect.void,
      this.#log.append(group.filter(({ kind }) => kind === "journal"))
    ).pipe(`,
    laws: /./,
    within: 20
  },
  {
    defect: "the newest record of a journal is not read",
    file: engine("recovery/recovery-reader"),
    from: "activation.recover(records)",
    to: "activation.recover(records.slice(0, -1))",
    laws: /left undone|too much happens/,
    within: 100
  },
  {
    defect: "a commit that was refused is taken to be stored",
    file: engine("commit/commit"),
    from: '        return Effect.sync(() => activation.reload())\n      case "TooLarge"',
    to: '        return Effect.sync(() => activation.committed(1))\n      case "TooLarge"',
    laws: /./,
    within: 200
  },
  {
    defect: "a commit whose answer was lost is taken to be stored",
    file: engine("commit/commit"),
    from: '      case "LogFull":\n        this.#meter',
    to: '      case "LogFull":\n        if (error._tag === "LogUnavailable") return Effect.sync(() => activation.committed(1))\n        this.#meter',
    laws: /./,
    within: 100
  },
  {
    defect: "mail of a refused commit is not decided again",
    file: engine("actor/activation-state"),
    from: "return [...(this.flight?.mails ?? []), ...this.open.mails]",
    to: "return this.open.mails",
    laws: /left undone|removed before|only of what/,
    within: 200
  },
  {
    defect: "mail of a refused commit is decided in another order",
    file: engine("actor/activation-state"),
    from: "return [...(this.flight?.mails ?? []), ...this.open.mails]",
    to: "return [...this.open.mails, ...(this.flight?.mails ?? [])]",
    laws: /left undone|removed before|only of what|all that lies before|gets once|one effect/,
    within: 3_000,
    survives:
      "it takes a second group that is decided before the first is refused: seen in one of 400 to 500 runs before the ledger had limits, and not since",
    faults: "slow=0.25,crash=2,unacked=0.1"
  },
  {
    defect: "an actor is passivated while it has work",
    file: engine("shard/shard"),
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
    laws: /one effect|parked once/,
    within: 1_000
  },
  {
    defect: "an ask fails when asking for its answer again is refused",
    file: "runtime/asks.ts",
    from: "Effect.suspend(() => Effect.ignore(this.#outbox.send(again(age))))",
    to: "Effect.suspend(() => this.#outbox.send(again(age)))",
    laws: /one effect|parked once/,
    within: 200
  }
]
