import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Operators } from "../../runtime/index.ts"
import { CounterProtocol } from "../support/counter.ts"
import { allOf, client, countOf, durableServer, NAMESPACE, node, operate, real, saw } from "../support/long.ts"
import { manage } from "../support/manage.ts"

const ACTORS = 64

const asking = (url: string) =>
  Effect.map(
    client(url),
    (actors) => (index: number) => actors.ask(CounterProtocol, `s${index}`, "Add", { n: 1 }, { timeout: "8 seconds" })
  )

const alive = (url: string) =>
  operate(
    url,
    Operators.use(({ nodes }) => nodes)
  ).pipe(Effect.map((nodes) => nodes.map(({ name }) => name)))

describe("who serves the actors", () => {
  it.live("is not a node that died long ago, whatever the server has again after it lost its power", () =>
    real(
      Effect.gen(function* () {
        const server = yield* durableServer()
        const dying = yield* node(server.url, "dying")
        yield* node(server.url, "living")
        const ask = yield* asking(server.url)
        assert.strictEqual(yield* allOf(ACTORS, 20, ask), ACTORS)
        yield* dying.kill
        yield* Effect.sleep("9 seconds")
        assert.strictEqual(yield* allOf(ACTORS, 20, ask), ACTORS)
        yield* server.stop
        yield* server.start
        yield* Effect.sleep("30 seconds")
        yield* server.cut
        yield* server.start
        const keys = yield* manage(server.url, async (manager) => {
          const { state } = await manager.streams.info(`KV_${NAMESPACE.toUpperCase()}_LEASES`, { subjects_filter: ">" })
          return Object.keys(state.subjects ?? {}).filter((key) => key.includes(".node."))
        })
        const found = yield* allOf(ACTORS, 30, ask)
        yield* saw(`after the cut the bucket had ${keys.length} nodes' keys; ${found} of ${ACTORS} actors answer`)
        assert.strictEqual(found, ACTORS)
        assert.deepStrictEqual(yield* alive(server.url), ["living"])
      })
    )
  )

  it.live("is found out anew where all consumers were deleted: another node takes over from one that dies", () =>
    real(
      Effect.gen(function* () {
        const server = yield* durableServer()
        yield* node(server.url, "a")
        const dying = yield* node(server.url, "b")
        const ask = yield* asking(server.url)
        assert.strictEqual(yield* allOf(ACTORS, 20, ask), ACTORS)
        const deleted = yield* manage(server.url, async (manager) => {
          let count = 0
          const name = NAMESPACE.toUpperCase()
          for (const stream of [name, `KV_${name}_LEASES`, `KV_${name}_CONTROLS`]) {
            for await (const consumer of manager.consumers.list(stream)) {
              if (await manager.consumers.delete(stream, consumer.name)) count++
            }
          }
          return count
        })
        assert.isAtLeast(deleted, 5)
        const before = yield* allOf(ACTORS, 30, ask)
        yield* dying.kill
        const after = yield* allOf(ACTORS, 40, ask)
        yield* saw(`${deleted} consumers deleted: ${before} of ${ACTORS} answer, and ${after} once a node has died`)
        assert.deepStrictEqual([before, after, yield* countOf(ACTORS, ask)], [ACTORS, ACTORS, ACTORS])
      })
    )
  )
})
