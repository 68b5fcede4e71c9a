import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { real, saw } from "../support/long.ts"

const ROOT = join(import.meta.dirname, "..", "..")
const RUNS = 10_000
const MINUTE = 60_000

describe("the simulated world", () => {
  it.live(
    `breaks no law in ${RUNS} runs`,
    () =>
      real(
        Effect.gen(function* () {
          const { code, text } = yield* Effect.callback<{ code: number | null; text: string }>((resume) => {
            const child = spawn(process.execPath, ["sim/main.ts", "--runs", String(RUNS)], { cwd: ROOT })
            let text = ""
            for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += String(chunk)))
            child.on("close", (code) => resume(Effect.succeed({ code, text })))
            return Effect.sync(() => child.kill("SIGKILL"))
          })
          yield* saw(text.trim().split("\n").slice(-6).join("\n    "))
          assert.strictEqual(code, 0, text)
          assert.match(text, new RegExp(`${RUNS} runs in .* 0 runs broken`))
        })
      ),
    20 * MINUTE
  )
})
