import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schedule } from "effect"
import { isAlive } from "../support/alive.ts"
import { CounterProtocol } from "../support/counter.ts"
import { client, countOf, durableServer, NAMESPACE, node, real, saw, upTo } from "../support/long.ts"
import { AlarmProtocol, BellProtocol, BlobProtocol } from "../support/long-actors.ts"
import { manage } from "../support/manage.ts"

const BLOBS = 2_000
const BLOB_ACTORS = 50
const BLOB = "x".repeat(300_000)
const TIMERS = 10_000
const MANY = 60_000

/** How many messages lie in mailboxes. */
const waiting = (url: string) =>
  manage(url, async (manager) => {
    const filter = { subjects_filter: `${NAMESPACE}.mail.>` }
    const { state } = await manager.streams.info(NAMESPACE.toUpperCase(), filter)
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
  })

const becomesEmpty = (url: string, within: `${number} seconds`) =>
  waiting(url).pipe(
    Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("1 second") }),
    Effect.timeout(within)
  )

describe("a node with a small heap", () => {
  it.live("works off a backlog of large messages, and its connection is not cut", () =>
    real(
      Effect.gen(function* () {
        const server = yield* durableServer("2m")
        const actors = yield* client(server.url)
        const first = yield* node(server.url, "first", "blob")
        yield* first.stop
        const put = (index: number) => actors.tell(BlobProtocol, `b${index % BLOB_ACTORS}`, "Put", { text: BLOB })
        yield* Effect.forEach(upTo(BLOBS), put, { concurrency: 12, discard: true })
        const began = performance.now()
        const heir = yield* node(server.url, "heir", "blob", ["--max-old-space-size=512"])
        yield* becomesEmpty(server.url, "180 seconds")
        const get = (index: number) => actors.ask(BlobProtocol, `b${index}`, "Count", {}, { timeout: "20 seconds" })
        const counts = yield* Effect.forEach(upTo(BLOB_ACTORS), get, { concurrency: 10 })
        const cut = readFileSync(join(server.store, "..", "server.log"), "utf8").match(/Slow Consumer/g)?.length ?? 0
        const seconds = ((performance.now() - began) / 1_000).toFixed(1)
        yield* saw(
          `${BLOBS} messages of 300 KB done in ${seconds} s; ${cut} times cut off; ${heir.output().length} bytes said`
        )
        assert.deepStrictEqual(
          counts,
          upTo(BLOB_ACTORS).map(() => BLOBS / BLOB_ACTORS)
        )
        assert.deepStrictEqual([cut, isAlive(heir.pid)], [0, true])
      })
    )
  )

  it.live("lives through tens of thousands of actors, each told once", () =>
    real(
      Effect.gen(function* () {
        const server = yield* durableServer("2m")
        const small = yield* node(server.url, "small", "counter", ["--max-old-space-size=256"])
        const actors = yield* client(server.url)
        const add = (index: number) => actors.tell(CounterProtocol, `a${index}`, "Add", { n: 1 })
        yield* Effect.forEach(upTo(MANY), add, { concurrency: 5_000, discard: true })
        yield* becomesEmpty(server.url, "400 seconds")
        const asked = upTo(500).map((index) => (index * 7_919) % MANY)
        const get = (index: number) =>
          actors.ask(CounterProtocol, `a${asked[index]}`, "Get", {}, { timeout: "20 seconds" })
        const sums = yield* Effect.forEach(upTo(asked.length), get, { concurrency: 50 })
        const [, rss = "?"] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${small.pid}/status`, "utf8")) ?? []
        yield* saw(`${MANY} actors told once; the process took at most ${Math.round(Number(rss) / 1_024)} MiB`)
        assert.deepStrictEqual([...new Set(sums)], [1])
        assert.isTrue(isAlive(small.pid))
      })
    )
  )
})

describe("timers that are due at once", () => {
  it.live("all ring, each once, while others are answered", () =>
    real(
      Effect.gen(function* () {
        const server = yield* durableServer()
        yield* node(server.url, "ringing", "alarm")
        const actors = yield* client(server.url)
        const at = (yield* Clock.currentTimeMillis) + 30_000
        const arm = (index: number) => actors.tell(AlarmProtocol, `a${index}`, "Arm", { at })
        yield* Effect.forEach(upTo(TIMERS), arm, { concurrency: 2_000, discard: true })
        yield* Effect.sleep(Math.max(0, at - (yield* Clock.currentTimeMillis)))
        const waits: Array<number> = []
        const asking = (index: number) =>
          Effect.gen(function* () {
            const began = performance.now()
            yield* actors.ask(CounterProtocol, `other${index % 50}`, "Add", { n: 1 }, { timeout: "30 seconds" })
            waits.push(performance.now() - began)
          }).pipe(Effect.delay(20))
        const answered = yield* Effect.map(
          Effect.forEach(upTo(300), (index) => Effect.isSuccess(asking(index))),
          (all) => all.filter((one) => one).length
        )
        const bell = actors.ask(BellProtocol, "all", "Get", {}, { timeout: "30 seconds" })
        const { rung, late } = yield* bell.pipe(
          Effect.repeat({ until: (seen) => seen.rung >= TIMERS, schedule: Schedule.spaced("500 millis") }),
          Effect.timeout("120 seconds")
        )
        yield* Effect.sleep("3 seconds")
        const slow = waits.toSorted((one, other) => one - other)[Math.floor(waits.length * 0.99)] ?? 0
        yield* saw(`${rung} rang, the last ${late} ms late; ${answered} asks beside them, p99 ${slow.toFixed(0)} ms`)
        assert.deepStrictEqual([(yield* bell).rung, answered], [TIMERS, 300])
        assert.strictEqual(yield* countOf(20, (index) => actors.ask(CounterProtocol, `other${index}`, "Get", {})), 20)
      })
    )
  )
})
