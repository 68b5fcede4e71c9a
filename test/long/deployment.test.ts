import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Operators } from "../../runtime/index.ts"
import { allOf, client, countOf, durableServer, node, operate, real, saw } from "../support/long.ts"
import { BillingProtocol, CartProtocol, OrdersProtocol } from "../support/long-actors.ts"

const EACH = 50
const CARTS = 200

describe("a deployment", () => {
  it.live("of one of two services costs the other nothing, and its own mail waits for it", () =>
    real(
      Effect.gen(function* () {
        const { url } = yield* durableServer()
        yield* node(url, "orders-1", "orders")
        const billing = yield* node(url, "billing-1", "billing")
        const actors = yield* client(url)
        const ask = (index: number) =>
          actors.ask(index % 2 === 0 ? OrdersProtocol : BillingProtocol, `x${index >> 1}`, "Add", { n: 1 }, LONG)
        const both = yield* allOf(2 * EACH, 30, ask)
        yield* Effect.sleep("10 seconds")
        const later = yield* countOf(2 * EACH, ask)
        yield* billing.stop
        const told = yield* countOf(EACH, (index) => actors.tell(BillingProtocol, `x${index}`, "Add", { n: 1 }))
        const alone = yield* countOf(EACH, (index) => actors.ask(OrdersProtocol, `x${index}`, "Add", { n: 1 }, LONG))
        const { paused, letters } = yield* lookAt(url)
        yield* node(url, "billing-2", "billing")
        const back = yield* allOf(2 * EACH, 30, ask)
        yield* saw(`of 100: ${both} and ${later} with both; ${alone} of 50 with one away; ${back} when it is back`)
        assert.deepStrictEqual([both, later, told, alone, back], [2 * EACH, 2 * EACH, EACH, EACH, 2 * EACH])
        assert.deepStrictEqual([paused, letters], [[], []])
      })
    )
  )

  it.live("of a release that cannot read the state, rolled back, leaves no actor behind", () =>
    real(
      Effect.gen(function* () {
        const { url } = yield* durableServer()
        const actors = yield* client(url)
        const ask = (index: number) => actors.ask(CartProtocol, `c${index}`, "Add", { n: 1 }, SHORT)
        const first = yield* node(url, "v1", "cart")
        assert.strictEqual(yield* allOf(CARTS, 20, ask), CARTS)
        yield* first.stop
        const bad = yield* node(url, "v2", "badCart")
        const broken = yield* countOf(CARTS, ask)
        yield* bad.stop
        yield* node(url, "v1-again", "cart")
        const rolledBack = yield* allOf(CARTS, 60, ask)
        yield* saw(`of ${CARTS}: ${broken} answer with the bad release, ${rolledBack} after the roll-back`)
        assert.isBelow(broken, CARTS)
        assert.strictEqual(rolledBack, CARTS)
        yield* lookAt(url).pipe(
          Effect.repeat({ until: ({ paused }) => paused.length === 0, schedule: Schedule.spaced("1 second") }),
          Effect.timeout("30 seconds")
        )
      })
    )
  )
})

const LONG = { timeout: "15 seconds" } as const
const SHORT = { timeout: "8 seconds" } as const

const lookAt = (url: string) =>
  operate(
    url,
    Effect.gen(function* () {
      const operators = yield* Operators
      return { paused: yield* operators.paused, letters: yield* operators.letters({}, 0, 10) }
    })
  )
