import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { dataFolder, start } from "../support/command.ts"
import { type Client, http, openClient } from "../support/gateway.ts"
import { real, saw } from "../support/long.ts"

const HOSTILE = new URL("../support/hostile-main.ts", import.meta.url).pathname
const SECONDS = 30
const SYMBOLS = 3
/** Other long tests share the processors: what it is on a quiet machine stands in docs/GATEWAY.md. */
const PING_MILLIS_MAX = 300
const SWITCH_MILLIS_MAX = 1_000

/** What an honest client sees, until it is interrupted. */
const watch = (client: Client) =>
  Effect.gen(function* () {
    const seen = { pings: [] as Array<number>, bars: 0, decisions: 0 }
    yield* Effect.sync(() => client.send({ op: "subscribe", id: "m", pattern: "market.*" }))
    yield* Effect.sync(() => client.send({ op: "subscribe", id: "d", pattern: "coordination.final_decision.*" }))
    let sentAt = performance.now()
    const ping = Effect.sync(() => {
      sentAt = performance.now()
      client.send({ op: "ping", id: "p" })
    })
    const take = Effect.gen(function* () {
      const { sub, type } = yield* client.next
      if (sub === "m") seen.bars++
      else if (sub === "d") seen.decisions++
      else if (type === "result") {
        seen.pings.push(performance.now() - sentAt)
        yield* Effect.forkChild(Effect.delay(ping, "100 millis"))
      }
    })
    yield* ping
    yield* Effect.forkScoped(Effect.forever(take))
    return seen
  })

const medianOf = (all: ReadonlyArray<number>): number =>
  all.toSorted((one, other) => one - other)[all.length >> 1] ?? Number.POSITIVE_INFINITY

const turnSwitch = (port: number, action: string) =>
  Effect.gen(function* () {
    const asked = performance.now()
    const { status } = yield* http(port, "/api/v1/agents/portfolio/main/switch", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ action })
    })
    assert.strictEqual(status, 200)
    return performance.now() - asked
  })

describe("32 hostile clients at their limits", () => {
  it.live("do not keep an honest one from its answers, the agents from deciding, nor anybody from the switches", () =>
    real(
      Effect.gen(function* () {
        const data = yield* dataFolder
        const up = yield* start(["up", "--port", "0", "--data", data, "--speed", "1"])
        const port = Number(new URL(yield* up.says(/(http:\S+)/)).port)
        const client = yield* openClient(`http://127.0.0.1:${port}`)
        const seen = yield* watch(client)
        // The past that the market begins with is decided first.
        yield* Effect.sleep("10 seconds")
        Object.assign(seen, { pings: [], bars: 0, decisions: 0 })
        yield* Effect.sleep("10 seconds")
        const calm = { ...seen, median: medianOf(seen.pings) }
        Object.assign(seen, { pings: [], bars: 0, decisions: 0 })
        const attack = yield* Effect.forkChild(
          Effect.promise(() => promisify(execFile)(process.execPath, [HOSTILE, String(port), String(SECONDS)]))
        )
        const switches: Array<number> = []
        for (const action of ["stop_entries", "resume_entries", "stop_entries", "resume_entries", "flatten"]) {
          yield* Effect.sleep(`${SECONDS / 6} seconds`)
          switches.push(yield* turnSwitch(port, action))
        }
        const { stdout } = yield* Fiber.join(attack)
        const under = { ...seen, median: medianOf(seen.pings) }
        // What was asked last is decided now.
        yield* Effect.sleep("3 seconds")
        const most = Math.max(...switches)
        yield* saw(
          `${stdout.trim()} hostile clients for ${SECONDS} s: pings ${under.median.toFixed(1)} ms at the median of ${under.pings.length} ` +
            `(${calm.median.toFixed(1)} before), ${seen.decisions} decisions on ${seen.bars} bars (${calm.decisions} on ${calm.bars} before), ` +
            `switches ${switches.map((millis) => millis.toFixed(0)).join(", ")} ms`
        )
        assert.isAtLeast(seen.bars, SECONDS * SYMBOLS * 0.8)
        assert.isAtLeast(seen.decisions, seen.bars * 0.95)
        assert.isBelow(under.median, PING_MILLIS_MAX)
        assert.isBelow(most, SWITCH_MILLIS_MAX)
      })
    )
  )
})
