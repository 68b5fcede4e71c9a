// The actors of the long tests: small ones that count, some that take much, and those of two services and of a bad release.
import { Schema } from "effect"
import { type Actor, define, persist, reply, send, setTimer } from "../../runtime/index.ts"
import { counter } from "./counter.ts"

const Add = { payload: Schema.Struct({ n: Schema.Int }), reply: Schema.Int }
const Sum = Schema.Struct({ n: Schema.Int })

const sums = (type: string) => ({ type, messages: { Add } }) as const
export const OrdersProtocol = sums("orders")
export const BillingProtocol = sums("billing")
export const CartProtocol = sums("cart")

const summing = (protocol: ReturnType<typeof sums>): Actor =>
  define({
    protocol,
    state: Sum,
    initial: () => ({ n: 0 }),
    events: { Added: { n: Schema.Int } },
    decide: { Add: (state, { n }) => [persist({ _tag: "Added", n }), reply(state.n + n)] },
    evolve: { Added: (state, { n }) => ({ n: state.n + n }) }
  })

/** A release whose state has one more field, and whose author forgot the version. */
const badCart = define({
  protocol: CartProtocol,
  state: Schema.Struct({ ...Sum.fields, currency: Schema.String }),
  initial: () => ({ n: 0, currency: "EUR" }),
  events: { Added: { n: Schema.Int } },
  decide: { Add: (state, { n }) => [persist({ _tag: "Added", n }), reply(state.n + n)] },
  evolve: { Added: (state, { n }) => ({ ...state, n: state.n + n }) }
})

export const BlobProtocol = {
  type: "blob",
  messages: {
    Put: { payload: Schema.Struct({ text: Schema.String }) },
    Count: { payload: Schema.Struct({}), reply: Schema.Int }
  }
} as const

const blob = define({
  protocol: BlobProtocol,
  state: Schema.Struct({ count: Schema.Int }),
  initial: () => ({ count: 0 }),
  events: { Put: {} },
  decide: { Put: () => [persist({ _tag: "Put" })], Count: ({ count }) => [reply(count)] },
  evolve: { Put: ({ count }) => ({ count: count + 1 }) }
})

const Rung = Schema.Struct({ rung: Schema.Int, late: Schema.Int })

/** How many alarms rang, and by how much the worst was late, in milliseconds. */
export const BellProtocol = {
  type: "bell",
  messages: {
    Rang: { payload: Schema.Struct({ late: Schema.Int }) },
    Get: { payload: Schema.Struct({}), reply: Rung }
  }
} as const

const bell = define({
  protocol: BellProtocol,
  state: Rung,
  initial: () => ({ rung: 0, late: 0 }),
  events: { Rang: { late: Schema.Int } },
  decide: { Rang: (_, { late }) => [persist({ _tag: "Rang", late })], Get: (state) => [reply(state)] },
  evolve: { Rang: ({ rung, late }, event) => ({ rung: rung + 1, late: Math.max(late, event.late) }) }
})

const At = { payload: Schema.Struct({ at: Schema.Int }) }

export const AlarmProtocol = { type: "alarm", messages: { Arm: At, Ring: At } } as const

const alarm = define({
  protocol: AlarmProtocol,
  state: Schema.Struct({ rung: Schema.Int }),
  initial: () => ({ rung: 0 }),
  events: { Rung: {} },
  decide: {
    Arm: (_, { at }) => [setTimer("alarm", at, "Ring", { at })],
    Ring: (_, { at }, { time }) => [
      persist({ _tag: "Rung" }),
      send(BellProtocol, "all", "Rang", { late: Math.max(0, Math.round(time - at)) })
    ]
  },
  evolve: { Rung: ({ rung }) => ({ rung: rung + 1 }) }
})

export const longActors: { readonly [name: string]: ReadonlyArray<Actor> } = {
  counter: [counter],
  orders: [summing(OrdersProtocol)],
  billing: [summing(BillingProtocol)],
  cart: [summing(CartProtocol)],
  badCart: [badCart],
  blob: [blob],
  alarm: [alarm, bell, counter]
}
