import { Schema } from "effect"
import { type Actor, define, persist, reply } from "../../runtime/index.ts"

const Nothing = Schema.Struct({})

/** An account as it was at first: an amount in whole units. */
export const AccountProtocol1 = {
  type: "account",
  messages: {
    Deposit: { payload: Schema.Struct({ amount: Schema.Int }), reply: Schema.Number },
    Read: { payload: Nothing, reply: Schema.Number }
  }
} as const

/** An account as it became: cents, in a currency. Both are counted in whole units where they are read. */
export const AccountProtocol2 = {
  type: "account",
  version: 2,
  messages: {
    Deposit: { payload: Schema.Struct({ cents: Schema.Int, currency: Schema.String }), reply: Schema.Number },
    Read: { payload: Nothing, reply: Schema.Number }
  }
} as const

export const account1: Actor = define({
  protocol: AccountProtocol1,
  state: Schema.Struct({ amount: Schema.Int }),
  initial: () => ({ amount: 0 }),
  events: { Deposited: { amount: Schema.Int } },
  decide: {
    Deposit: (state, { amount }) => [persist({ _tag: "Deposited", amount }), reply(state.amount + amount)],
    Read: (state) => [reply(state.amount)]
  },
  evolve: { Deposited: (state, { amount }) => ({ ...state, amount: state.amount + amount }) }
})

const Amount = Schema.decodeUnknownSync(Schema.Struct({ amount: Schema.Int }))
const toCents = (json: unknown) => ({ cents: Amount(json).amount * 100, currency: "EUR" })

export const account2: Actor = define({
  protocol: AccountProtocol2,
  version: 2,
  upcast: {
    state: { 1: toCents },
    events: { Deposited: { 1: toCents } },
    messages: { Deposit: { 1: toCents } }
  },
  state: Schema.Struct({ cents: Schema.Int, currency: Schema.String }),
  initial: () => ({ cents: 0, currency: "EUR" }),
  events: { Deposited: { cents: Schema.Int, currency: Schema.String } },
  decide: {
    Deposit: (state, { cents, currency }) => [
      persist({ _tag: "Deposited", cents, currency }),
      reply((state.cents + cents) / 100)
    ],
    Read: (state) => [reply(state.cents / 100)]
  },
  evolve: { Deposited: (state, { cents }) => ({ ...state, cents: state.cents + cents }) }
})
