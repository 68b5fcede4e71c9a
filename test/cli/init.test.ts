import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { conclave, dataFolder } from "../support/command.ts"

describe("conclave init", () => {
  it.live("makes a project with its name, and writes over nothing", () =>
    Effect.gen(function* () {
      const parent = yield* dataFolder
      const folder = join(parent, "my-system")
      const made = yield* conclave("init", folder)
      assert.strictEqual(made.code, 0, made.stderr)
      assert.match(made.stdout, /my-system is made[\s\S]*npm install/)
      assert.deepStrictEqual(readdirSync(folder).toSorted(), [
        ...[".gitignore", "README.md", "package.json", "src", "test", "tsconfig.json"]
      ])
      assert.include(readFileSync(join(folder, "package.json"), "utf8"), '"name": "my-system"')
      writeFileSync(join(folder, "README.md"), "mine")
      const again = yield* conclave("init", folder)
      assert.deepStrictEqual([again.code, again.stdout], [1, ""])
      assert.include(again.stderr, "it is not empty, and nothing is written over")
      assert.strictEqual(readFileSync(join(folder, "README.md"), "utf8"), "mine")
    }).pipe(Effect.scoped)
  )

  it.live("refuses a name that no package can have, and a folder without packages", () =>
    Effect.gen(function* () {
      const parent = yield* dataFolder
      const named = yield* conclave("init", join(parent, "My System"))
      assert.match(named.stderr, /My System: its name must be one of a package/)
      mkdirSync(join(parent, "empty"))
      const empty = yield* conclave("init", join(parent, "own"), "--packages", join(parent, "empty"))
      assert.match(empty.stderr, /there are no tarballs of Conclave in/)
      assert.deepStrictEqual([named.code, empty.code, readdirSync(parent)], [1, 1, ["empty"]])
    }).pipe(Effect.scoped)
  )
})

describe("conclave run", () => {
  it.live("gives a program a NATS server, and ends as the program does", () =>
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const file = join(folder, "own.mjs")
      writeFileSync(file, "console.log(process.env.NATS_URL, process.argv[2]); process.exit(3)")
      const { code, stdout, stderr } = yield* conclave("run", "--data", join(folder, "data"), file, "word")
      assert.match(stdout, /^nats:\/\/\S+@127\.0\.0\.1:\d+ word\n$/, stderr)
      assert.strictEqual(code, 3)
    }).pipe(Effect.scoped)
  )
})
