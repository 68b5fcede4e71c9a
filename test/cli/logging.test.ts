import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"

const LOGGING = fileURLToPath(new URL("../../cli/logging.ts", import.meta.url))

/** What a program that logs writes to standard error, line by line. */
const logged = (env: Record<string, string>) => {
  const program = `
    import { Effect } from "effect"
    import { logging } from ${JSON.stringify(LOGGING)}
    const said = Effect.gen(function* () {
      yield* Effect.logInfo("step done", { actor: "counter/a" })
      yield* Effect.logDebug("too fine")
      yield* Effect.logError("it broke", new Error("the cause"))
    }).pipe(Effect.annotateLogs({ correlation: "order 7" }))
    Effect.runFork(said.pipe(Effect.provide(logging)))
  `
  const { stderr, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    env: { ...process.env, LOG_LEVEL: "Info", ...env }
  })
  assert.strictEqual(stdout, "")
  return stderr.trim().split("\n")
}

describe("what is logged", () => {
  it("is a line of JSON each, with the same ids, where machines read it", () => {
    const lines = logged({ LOG_FORMAT: "json" }).map((line): unknown => JSON.parse(line))
    assert.strictEqual(lines.length, 2)
    assert.containSubset(lines, [
      { level: 30, msg: "step done", actor: "counter/a", correlation: "order 7" },
      { level: 50, msg: "it broke", correlation: "order 7" }
    ])
    assert.match(JSON.stringify(lines[1]), /the cause/)
  })

  it("is written for people unless said otherwise", () => {
    const text = logged({}).join("\n")
    assert.match(text, /INFO.*step done/)
    assert.match(text, /order 7/)
    assert.notMatch(text, /too fine/)
  })
})
