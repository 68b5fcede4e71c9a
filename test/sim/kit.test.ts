import { createRequire } from "node:module"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { define, persist, refuse, reply } from "../../runtime/index.ts"
import {
  always,
  ask,
  type FaultKind,
  type SimulateOptions,
  SimulationFailed,
  SimulationInvalid,
  simulate,
  tell
} from "../../sim/index.ts"

const Account = {
  type: "account",
  messages: {
    Deposit: { payload: Schema.Struct({ amount: Schema.Int }) },
    Withdraw: {
      payload: Schema.Struct({ amount: Schema.Int }),
      reply: Schema.Int,
      error: Schema.Literal("too little")
    },
    Balance: { payload: Schema.Struct({}), reply: Schema.Int }
  }
} as const

interface Defects {
  /** Withdraws what is not there. */
  readonly overdraws?: boolean
  /** Its state depends on more than its events. */
  readonly impure?: boolean
}

let evolved = 0

const accountWith = ({ overdraws = false, impure = false }: Defects) =>
  define({
    protocol: Account,
    state: Schema.Struct({ balance: Schema.Int }),
    initial: () => ({ balance: 0 }),
    events: { Changed: { by: Schema.Int } },
    decide: {
      Deposit: (_, { amount }) => [persist({ _tag: "Changed", by: amount })],
      Withdraw: ({ balance }, { amount }) =>
        amount > balance && !overdraws
          ? [refuse("too little")]
          : [persist({ _tag: "Changed", by: -amount }), reply(balance - amount)],
      Balance: ({ balance }) => [reply(balance)]
    },
    evolve: { Changed: ({ balance }, { by }) => ({ balance: impure ? balance + by + ++evolved : balance + by }) }
  })

const id = fc.constantFrom("a", "b")
const amount = fc.integer({ min: 1, max: 9 })
const commands = fc.oneof(
  fc.tuple(id, amount).map(([to, sum]) => tell(Account, to, "Deposit", { amount: sum })),
  fc.tuple(id, amount).map(([to, sum]) => ask(Account, to, "Withdraw", { amount: sum })),
  id.map((to) => ask(Account, to, "Balance", {}))
)

const optionsOf = (defects: Defects): SimulateOptions => {
  const account = accountWith(defects)
  return {
    actors: [account],
    commands,
    always: [always(account, "no account is overdrawn", ({ balance }) => balance >= 0)],
    laws: {
      "what was heard adds up": ({ states, heard }) => {
        const moved = (outcome: string) =>
          heard
            .filter((each) => each.outcome === outcome)
            .map(({ command: { message, payload } }) => signed(message) * amountOf(payload))
        const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0)
        const there = sum([...states(account).values()].map(({ balance }) => balance))
        const sure = sum(moved("stored")) + sum(moved("answered"))
        const doubtful = moved("unknown")
        const low = sure + sum(doubtful.filter((value) => value < 0))
        const high = sure + sum(doubtful.filter((value) => value > 0))
        return (there >= low && there <= high) || `${there} is there, of ${low} to ${high}`
      }
    },
    runs: 60
  }
}

const signed = (message: string): number => (message === "Deposit" ? 1 : message === "Withdraw" ? -1 : 0)
const amountOf = (payload: unknown): number => (hasAmount(payload) ? payload.amount : 0)
const hasAmount = Schema.is(Schema.Struct({ amount: Schema.Int }))

const failureOf = (options: SimulateOptions): SimulationFailed => {
  try {
    simulate(options)
  } catch (error) {
    if (error instanceof SimulationFailed) return error
    throw error
  }
  return assert.fail("nothing was found")
}

describe("the test kit", () => {
  it("takes commands of another copy of fast-check, whose classes are others", () => {
    const other: typeof fc = createRequire(import.meta.url)("fast-check")
    assert.notStrictEqual(other.Arbitrary, fc.Arbitrary)
    const deposits = other.nat(9).map((sum) => tell(Account, "a", "Deposit", { amount: sum + 1 }))
    const options = optionsOf({})
    const { runs } = simulate({ ...options, commands: deposits, runs: 5 })
    assert.strictEqual(runs, 5)
    const failure = failureOf({ ...options, commands: deposits, laws: { "nothing is told": () => false }, runs: 5 })
    assert.strictEqual(failure.law, "nothing is told")
  })

  it("passes an actor that keeps its laws, and says what was covered", () => {
    const { runs, messages, coverage } = simulate(optionsOf({}))
    assert.strictEqual(runs, 60)
    assert.isAbove(messages, 500)
    assert.isAbove(coverage.hits.size, 10)
  })

  it("finds one that does not, makes the run small, and tells its story", () => {
    const failed = failureOf({ ...optionsOf({ overdraws: true }), seed: 2 })
    assert.strictEqual(failed.law, "no account is overdrawn")
    assert.lengthOf(failed.workload, 1, "one withdrawal is enough")
    assert.include(failed.workload[0]!, "Withdraw")
    assert.include(failed.message, `seed ${failed.seed} broke a law: no account is overdrawn`)
    assert.match(failed.message, /account\/[ab] decides Withdraw #1: Changed \{"by":-\d\}/)
    assert.include(failed.message, "1 node, no faults")
  })

  it("finds it again with the seed that it says, and the same smallest run", () => {
    const first = failureOf({ ...optionsOf({ overdraws: true }), seed: 2 })
    const again = failureOf({ ...optionsOf({ overdraws: true }), seed: first.seed, runs: 1 })
    assert.strictEqual(again.message, first.message)
  })

  it("holds every actor to the laws of the runtime: a state follows from its events alone", () => {
    const failed = failureOf(optionsOf({ impure: true }))
    assert.include(["state is what folding the journal gives", "deciding again gives the same"], failed.law)
  })

  it("takes a law that throws, or says what is wrong, as broken", () => {
    const options = optionsOf({})
    const broken = (says: () => boolean | string) =>
      failureOf({ ...options, laws: { "some law": says }, runs: 1 }).message
    assert.include(
      broken(() => "seven is missing"),
      "some law\n  seven is missing"
    )
    assert.include(
      broken(() => {
        throw new Error("cannot say")
      }),
      "cannot say"
    )
    assert.include(
      broken(() => false),
      "it does not hold"
    )
  })

  it("says of options that make no sense which, and of commands that nobody can take", () => {
    const account = accountWith({})
    const sound = optionsOf({})
    const other = { type: "other", messages: Account.messages } as const
    const newer = { ...Account, version: 2 } as const
    const crash: FaultKind = "crash"
    const wrong: ReadonlyArray<readonly [Partial<SimulateOptions>, RegExp]> = [
      [{ actors: [] }, /option actors: at least one/],
      [{ actors: [account, account] }, /option actors: account is there twice/],
      [
        { commands: fc.constant(tell(other, "a", "Deposit", { amount: 1 })) },
        /commands: .*other is none of the actors/
      ],
      [{ commands: fc.constant(tell(newer, "a", "Deposit", { amount: 1 })) }, /commands: .*of version 2/],
      [{ commands: fc.constant(tell(Account, "a", "Deposit", { amount: 0.5 })) }, /commands: .*integer/],
      [{ commands: fc.constant(tell(Account, "a b", "Deposit", { amount: 1 })) }, /commands: .*without spaces/],
      [{ runs: 0 }, /option runs: 0 is no whole number from 1/],
      [{ seed: -1 }, /option seed: -1 is no whole number from 0/],
      [{ seed: 0x7fffffff, runs: 2 }, /option seed/],
      [{ clientsMax: -1 }, /option clientsMax/],
      [{ commandsMax: 0 }, /option commandsMax/],
      [{ faults: new Map([[crash, -2]]) }, /option faults: the rate of crash/]
    ]
    for (const [options, message] of wrong) {
      assert.throws(() => simulate({ ...sound, runs: 3, ...options }), SimulationInvalid, message)
    }
  })

  it("says so of what does not happen again", () => {
    let calls = 0
    const failed = failureOf({ ...optionsOf({}), laws: { "the first time": () => ++calls > 1 } })
    assert.strictEqual(failed.law, "the first time")
    assert.include(failed.message, "and not when it was run again")
  })

  it("says which outcomes were heard, and who has stopped", () => {
    const { heard } = simulate({ ...optionsOf({}), laws: { nobody: ({ stopped }) => stopped(Account).size === 0 } })
    assert.isAbove(heard.get("answered") ?? 0, 100)
  })
})
