import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { settingsTable } from "../cli/config.ts"
import { NatsServer, temporaryFolder } from "./support/nats.ts"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
const README = readFileSync(join(ROOT, "README.md"), "utf8")

layer(NatsServer.layer, { excludeTestServices: true })("the README", (it) => {
  it.effect("shows an actor that runs as it stands, and remembers", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const [, code = ""] = /```ts\n(.*?)```/s.exec(README) ?? []
      const file = join(yield* temporaryFolder, "tally.ts")
      const from = (name: string) => join(ROOT, name)
      // It stands in the checkout there, and in a folder of its own here.
      const moved = code
        .replace('"./runtime/', `"${from("runtime")}/`)
        .replace('"effect"', `"${from("node_modules/effect/dist/index.js")}"`)
      writeFileSync(file, moved)
      const run = () => spawnSync(process.execPath, [file, url], { encoding: "utf8" }).stdout.trim().split("\n").at(-1)
      assert.deepStrictEqual([run(), run()], ["2", "4"])
    }).pipe(Effect.scoped)
  )

  it.effect("lists every setting as the command reads it", () =>
    Effect.sync(() => assert.include(README, settingsTable()))
  )
})
