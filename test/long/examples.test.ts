// An example that is killed and started again, as its README has it run.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { dataFolder, environment, ROOT, SOURCES, start } from "../support/command.ts"

const configOf = (name: string) => ["--config", join(ROOT, "examples", name, "conclave.config.ts")]

describe("the examples", () => {
  it.live("human-approval waits over a crash of everything, and is decided once", () =>
    Effect.gen(function* () {
      const data = yield* dataFolder
      const env = { CONCLAVE_DATA: data, PORT: "0", LEASE_TTL: "1 second" }
      const up = start(["up", "--symbols", "ACME", "--speed", "1", ...configOf("human-approval")], env)
      const program = join(ROOT, "examples", "human-approval", "ask.ts")
      const password = () => readFileSync(join(data, "nats", "password"), "utf8").trim()
      const ask = (port: string, ...words: ReadonlyArray<string>) => {
        const url = `nats://conclave:${password()}@127.0.0.1:${port}`
        return execFileSync(process.execPath, [...SOURCES, program, url, ...words], {
          env: environment({}),
          encoding: "utf8"
        })
      }
      const first = yield* up
      const port = yield* first.says(/NATS +nats:\S+:(\d+)/)
      assert.strictEqual(ask(port, "request", "invoice-7", "pay 900"), "invoice-7: pay 900: waiting\n")
      yield* first.signal("SIGKILL")
      yield* first.ended
      const again = yield* (yield* up).says(/NATS +nats:\S+:(\d+)/)
      assert.strictEqual(ask(again, "show", "invoice-7"), "invoice-7: pay 900: waiting\n")
      assert.strictEqual(ask(again, "approve", "invoice-7", "ada"), "invoice-7: pay 900: approved by ada\n")
      assert.strictEqual(ask(again, "refuse", "invoice-7", "bob"), "invoice-7: decided already\n")
      assert.strictEqual(ask(again, "approve", "invoice-8", "ada"), "invoice-8: nothing waits\n")
    }).pipe(Effect.scoped)
  )
})
