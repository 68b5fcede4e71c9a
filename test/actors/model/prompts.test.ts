import { cpSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { loadPrompts } from "../../../actors/model/prompts.ts"
import { HOUSE_TYPES } from "../../../protocols/index.ts"
import { temporaryFolder } from "../../support/nats.ts"

const OURS = join(import.meta.dirname, "../../../prompts")

describe("the prompts", () => {
  it.effect("are files: the agent's own, then what all have in common, with the form of the answer", () =>
    Effect.gen(function* () {
      const prompts = yield* loadPrompts(OURS)
      const all = HOUSE_TYPES.map((type) => prompts.instructions(type))
      assert.strictEqual(new Set(all).size, HOUSE_TYPES.length)
      for (const text of all) {
        assert.include(text, '"confidence"')
        assert.notInclude(text, "{{")
      }
      assert.include(prompts.repair("`$&` $1"), "`$&` $1")
    })
  )

  it.effect("can be changed, and say what is missing", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      cpSync(OURS, folder, { recursive: true })
      writeFileSync(join(folder, "risk_advisor.md"), "You are afraid of everything.")
      const { instructions } = yield* loadPrompts(folder)
      assert.match(instructions("risk_advisor"), /^You are afraid of everything\.\n\n/)
      const fails = Effect.map(Effect.flip(loadPrompts(folder)), ({ message }) => message.slice(folder.length + 1))
      writeFileSync(join(folder, "common.md"), "No form.")
      assert.strictEqual(yield* fails, "common.md must hold {{form}}")
      rmSync(join(folder, "common.md"))
      assert.strictEqual(yield* fails, "common.md cannot be read")
    }).pipe(Effect.scoped)
  )
})
