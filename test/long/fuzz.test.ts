import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { dataFolder, start } from "../support/command.ts"
import { openClient } from "../support/gateway.ts"
import { real, saw } from "../support/long.ts"

const FUZZ = new URL("../support/fuzz-main.ts", import.meta.url).pathname
const SECONDS = 300
const PARTS = 30
/** Without a bound the garbage that is left about goes up and down by more than minutes add. The system has to live with this, and stay. */
const HEAP_MEBIBYTES = 256
const GROWTH_MAX = 1.15
const MEBIBYTES_MAX = { system: 350, nats: 350 }

const mebibytesOf = (pid: number): number => {
  const [, kibibytes = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Math.round(Number(kibibytes) / 1024)
}

describe("five minutes of what nobody would send", () => {
  it.live("leave the system alive, at its decisions, and with the memory that it had", () =>
    real(
      Effect.gen(function* () {
        const data = yield* dataFolder
        const up = yield* start(["up", "--port", "0", "--data", data, "--speed", "1"], {
          NODE_OPTIONS: `--max-old-space-size=${HEAP_MEBIBYTES}`
        })
        const port = Number(new URL(yield* up.says(/(http:\S+)/)).port)
        const nats = Number(readFileSync(join(data, "nats", "server.pid"), "utf8"))
        const client = yield* openClient(`http://127.0.0.1:${port}`)
        yield* client.call({ op: "subscribe", id: "m", pattern: "market.ACME" })
        yield* client.call({ op: "subscribe", id: "d", pattern: "coordination.final_decision.ACME" })
        const seen = { m: 0, d: 0 }
        yield* Effect.forkScoped(
          Effect.forever(
            Effect.map(client.next, ({ sub }) => {
              if (sub === "m" || sub === "d") seen[sub]++
            })
          )
        )
        const seed = Math.trunc(Math.random() * 2 ** 31)
        const fuzz = yield* Effect.forkChild(
          Effect.promise(() =>
            promisify(execFile)(process.execPath, [FUZZ, String(port), String(SECONDS), String(seed)])
          )
        )
        const sizes: Array<readonly [up: number, nats: number]> = []
        for (let part = 0; part < PARTS; part++) {
          yield* Effect.sleep(`${SECONDS / PARTS} seconds`)
          sizes.push([mebibytesOf(up.pid), mebibytesOf(nats)])
        }
        const { stdout } = yield* Fiber.join(fuzz)
        const before = { ...seen }
        yield* Effect.sleep("10 seconds")
        yield* saw(
          `seed ${seed}: ${stdout.trim()}; memory in MiB, of the system and its nats-server: ` +
            `${sizes.map((pair) => pair.join(" and ")).join(", ")}; ${seen.d} decisions on ${seen.m} bars`
        )
        assert.isAbove(seen.d, before.d, "it decides afterwards")
        assert.isAtLeast(seen.d, seen.m * 0.9)
        const system = sizes.map(([up]) => up)
        assert.isBelow(Math.max(...system), MEBIBYTES_MAX.system)
        const [middle, last] = [system.slice(PARTS / 3, (2 * PARTS) / 3), system.slice((2 * PARTS) / 3)]
        assert.isBelow(Math.max(...last), Math.max(...middle) * GROWTH_MAX, "the last third adds little")
        assert.isBelow(Math.max(...sizes.map(([, server]) => server)), MEBIBYTES_MAX.nats)
      })
    )
  )
})
