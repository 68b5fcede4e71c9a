import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { settingsTable } from "../cli/config.ts"
import { conclave, dataFolder, SOURCES } from "./support/command.ts"
import { NatsServer, temporaryFolder } from "./support/nats.ts"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
const README = readFileSync(join(ROOT, "README.md"), "utf8")

/** An example stands in the checkout there, and in a folder of its own here. */
const moved = (code: string) =>
  code
    .replaceAll('"./runtime/', `"${join(ROOT, "runtime")}/`)
    .replace('"./sim/', `"${join(ROOT, "sim")}/`)
    .replace('"fast-check"', `"${join(ROOT, "node_modules/fast-check/lib/fast-check.js")}"`)
    .replace('"effect"', `"${join(ROOT, "node_modules/effect/dist/index.js")}"`)

layer(NatsServer.layer, { excludeTestServices: true })("the README", (it) => {
  it.effect("shows an actor that runs as it stands, and remembers", () =>
    Effect.gen(function* () {
      const [, code = ""] = /```ts\n(.*?)```/s.exec(README) ?? []
      const file = join(yield* temporaryFolder, "tally.ts")
      writeFileSync(file, moved(code))
      const data = yield* dataFolder
      const run = Effect.map(conclave("run", file, "--data", data), ({ stdout }) => stdout.trim().split("\n").at(-1))
      assert.deepStrictEqual([yield* run, yield* run], ["2", "4"])
    }).pipe(Effect.scoped)
  )

  it.effect("and the guide to the runtime: every example runs as it stands", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const guide = readFileSync(join(ROOT, "docs/RUNTIME.md"), "utf8")
      const examples = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code)
      const folder = yield* temporaryFolder
      const printed = examples.map((code, index) => {
        const file = join(folder, `example-${index}.ts`)
        writeFileSync(file, moved(code))
        const { status, stdout, stderr } = spawnSync(process.execPath, [...SOURCES, file, url], { encoding: "utf8" })
        assert.strictEqual(status, 0, stderr)
        return stdout.trim().split("\n").at(-1)
      })
      assert.deepStrictEqual(printed, ["3", "42", "/index, try 1", "", ""])
      assert.isAtMost(examples[0]!.trimEnd().split("\n").length, 30, "a quick start")
    }).pipe(Effect.scoped)
  )

  it.effect("and the test kit: its example passes, and with the mistake that the text tells of it does not", () =>
    Effect.gen(function* () {
      const text = readFileSync(join(ROOT, "docs/SIMULATION.md"), "utf8")
      const [, code = ""] = /```ts\n(.*?)```/s.exec(text) ?? []
      const file = join(yield* temporaryFolder, "seat.ts")
      const run = (source: string) => {
        writeFileSync(file, moved(source))
        return spawnSync(process.execPath, [...SOURCES, file], { encoding: "utf8" })
      }
      assert.match(run(code).stdout, /^50 runs, \d+ messages/)
      const forgotten = code.replace('      step.add(cancelTimer("hold"))\n', "")
      assert.include(run(forgotten).stderr, "broke a law: who paid has the seat")
    }).pipe(Effect.scoped)
  )

  it.effect("lists every setting as the command reads it", () =>
    Effect.sync(() => assert.include(readFileSync(join(ROOT, "docs/SETTINGS.md"), "utf8"), settingsTable()))
  )
})
