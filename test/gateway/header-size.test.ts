import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const ROOT = join(import.meta.dirname, "../..")

/** In a process of its own: the library asks for its environment once. Prints the statuses of requests with cookies of some sizes. */
const PROGRAM = `
const { Effect } = await import("effect")
const { tellHeaderBytes } = await import("./cli/config.ts")
const { makeApp, listen } = await import("./gateway/uws.ts")
const port = await Effect.runPromise(Effect.gen(function* () {
  yield* tellHeaderBytes({ gatewayHeaderBytes: 16384 })
  const app = yield* makeApp()
  app.get("/", (res) => res.end("ok"))
  return (yield* listen(app, "127.0.0.1", 0)).port
}))
const statuses = []
for (const size of [100, 6_000, 15_000, 17_000]) {
  const answer = await fetch("http://127.0.0.1:" + port, { headers: { cookie: "x".repeat(size) } })
  statuses.push(answer.status)
}
console.log(JSON.stringify(statuses))
process.exit(0)
`

describe("the headers of a request", () => {
  it.live("may be as large as the setting says", () =>
    Effect.gen(function* () {
      const args = ["--no-warnings", "--input-type=module", "-e", PROGRAM]
      const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, args, { cwd: ROOT }))
      assert.deepStrictEqual(JSON.parse(stdout), [200, 200, 200, 431])
    })
  )
})
