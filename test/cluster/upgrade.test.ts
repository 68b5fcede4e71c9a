// A rolling upgrade as real processes: two nodes of version 1 under load, replaced by version 2 one after the other.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Schedule, type Scope } from "effect"
import { ActorLog, Actors } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { AccountProtocol1, AccountProtocol2 } from "../support/account.ts"
import { natsServer } from "../support/nats.ts"
import { startNode } from "../support/node-process.ts"

const KEYS = 100
const OLD = 12
const NEW = 12

/** Asks accounts as old or new clients do, one deposit of one unit after the other, and keeps the books. */
const depositing = () => {
  const units = new Map<string, number>()
  const failed: Array<string> = []
  const asked = { old: 0, new: 0 }
  let next = 0
  let stopped = false
  const deposit = (version: "old" | "new") =>
    Effect.gen(function* () {
      const all = yield* Actors
      const key = `k${next++ % KEYS}`
      const options = { timeout: "8 seconds" } as const
      const ask: Effect.Effect<number, { readonly _tag: string }> =
        version === "old"
          ? all.ask(AccountProtocol1, key, "Deposit", { amount: 1 }, options)
          : all.ask(AccountProtocol2, key, "Deposit", { cents: 100, currency: "EUR" }, options)
      yield* ask.pipe(
        Effect.map(() => void units.set(key, (units.get(key) ?? 0) + 1)),
        Effect.catch((error) => Effect.sync(() => failed.push(`${version} ${key}: ${error._tag}`)))
      )
      asked[version]++
    })
  const run = (version: "old" | "new", count: number) =>
    Effect.forEach(
      Array.from({ length: count }),
      () => Effect.suspend(() => deposit(version)).pipe(Effect.repeat({ until: () => stopped })),
      { concurrency: "unbounded", discard: true }
    )
  return {
    run,
    units,
    failed,
    asked,
    stop: Effect.sync(() => {
      stopped = true
    })
  }
}

const owner = (key: string) => ({ type: "account", id: key })

const upgrade = (url: string, namespace: string) =>
  Effect.gen(function* (): Effect.fn.Return<void, unknown, Actors | ActorLog | Scope.Scope> {
    const all = yield* Actors
    const log = yield* ActorLog
    const one = yield* startNode(url, namespace, "one", "account1")
    const two = yield* startNode(url, namespace, "two", "account1")
    const books = depositing()
    const old = yield* Effect.forkChild(books.run("old", OLD))
    yield* Effect.sleep("1 second")
    assert.strictEqual(yield* one.stop, 130)
    yield* startNode(url, namespace, "one", "account2")
    // Both versions serve, and new clients meet shards of the old one.
    const newer = yield* Effect.forkChild(books.run("new", NEW))
    yield* Effect.sync(() => books.asked.new).pipe(
      Effect.repeat({ until: (asked) => asked > 3 * KEYS, schedule: Schedule.spaced("50 millis") })
    )
    const mixed = books.asked.old
    assert.strictEqual(yield* two.stop, 130)
    yield* startNode(url, namespace, "two", "account2")
    yield* Effect.sleep("1 second")
    yield* books.stop
    yield* Effect.forEach([old, newer], Fiber.join)
    assert.isAbove(books.asked.old, mixed, "old clients are served to the end")
    assert.deepStrictEqual(books.failed, [])
    const keys = [...books.units.keys()]
    const balances = yield* Effect.forEach(keys, (key) => all.ask(AccountProtocol1, key, "Read", {}), {
      concurrency: 20
    })
    assert.deepStrictEqual(new Map(keys.map((key, index) => [key, balances[index]!])), books.units)
    // Once a record is of version 2, none after it is of version 1.
    for (const key of keys.slice(0, 20)) {
      const versions = (yield* log.readJournal(owner(key))).map(({ payload }) => (payload.includes('"v":2') ? 2 : 1))
      assert.deepStrictEqual(versions, versions.toSorted())
      assert.strictEqual(versions.at(-1), 2)
    }
  })

describe("a rolling upgrade of two nodes under load", () => {
  it.live(
    "fails no ask of old and new clients, and every balance is exact",
    () =>
      Effect.gen(function* () {
        const { url } = yield* natsServer()
        const client = yield* Layer.build(layerNats({ url, namespace: "upgrade", name: "client", ttlSeconds: 1 }))
        yield* Effect.provide(upgrade(url, "upgrade"), client)
      }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    60_000
  )
})
