import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { aiSdkModel } from "../../../actors/model/ai-sdk.ts"
import type { Question } from "../../../actors/model/language-model.ts"
import { recording, replaying } from "../../../actors/model/traffic.ts"
import { decisionText } from "../../support/model-servers/decisions.ts"
import { modelServer } from "../../support/model-servers/server.ts"
import { temporaryFolder } from "../../support/nats.ts"

const KEY = "sk-not-to-be-seen"
const question = (text: string): Question => ({
  model: "openai:a",
  instructions: "Be brief.",
  messages: [{ role: "user", text }],
  tools: [],
  form: null
})

describe("the traffic with models", () => {
  it.live("that was recorded is replayed without a network, failures too, and in order", () =>
    Effect.gen(function* () {
      const folder = join(yield* temporaryFolder, "traffic")
      const server = yield* modelServer(({ number }) =>
        number === 1
          ? { does: "fail", status: 429, message: `wait, ${KEY}`, retryAfter: "3" }
          : { does: "say", text: decisionText(number === 2 ? "BUY" : "SELL") }
      )
      const at = { baseUrl: `${server.url}/v1`, key: Redacted.make(KEY) }
      const live = aiSdkModel({ ollama: at, anthropic: at, perplexity: at, openai: at })
      const ask = (model: typeof live) => Effect.result(model.ask(question("now?")))
      const recorder = recording(folder, live)
      const said = [yield* ask(recorder), yield* ask(recorder), yield* ask(recorder)]
      assert.lengthOf(server.received, 3)

      const again = replaying(folder)
      const replayed = [yield* ask(again), yield* ask(again), yield* ask(again), yield* ask(again)]
      assert.deepStrictEqual(replayed.slice(0, 3), said)
      assert.deepStrictEqual(replayed[3], said[2], "the last one for ever")
      assert.lengthOf(server.received, 3, "nobody was asked")

      const other = yield* Effect.flip(replaying(folder).ask(question("tomorrow?")))
      assert.strictEqual(other.kind, "not_recorded")
      const [file = "", ...more] = readdirSync(folder)
      assert.deepStrictEqual(more, [])
      assert.notInclude(readFileSync(join(folder, file), "utf8"), KEY)
    }).pipe(Effect.scoped)
  )

  it.live("is remembered of the latest questions only, and those that came before begin anew", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      let asked = 0
      const fake = {
        ask: () => Effect.sync(() => ({ text: `${++asked}`, tools: [], input_tokens: 1, output_tokens: 1 }))
      }
      const recorder = recording(folder, fake, 2)
      for (const text of ["a", "b", "a", "c", "a", "b"]) yield* recorder.ask(question(text))
      const again = replaying(folder)
      const said = (text: string) => Effect.map(again.ask(question(text)), (turn) => turn.text)
      assert.deepStrictEqual([yield* said("a"), yield* said("a"), yield* said("a")], ["1", "3", "5"])
      assert.deepStrictEqual([yield* said("b"), yield* said("b")], ["6", "6"])
    }).pipe(Effect.scoped)
  )

  it.live("that cannot be read or written is said, and never mistaken for an answer", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const fake = { ask: () => Effect.succeed({ text: "hm", tools: [], input_tokens: 1, output_tokens: 1 }) }
      yield* recording(folder, fake).ask(question("a"))
      const [file = ""] = readdirSync(folder)
      writeFileSync(join(folder, file), "{}")
      assert.strictEqual((yield* Effect.flip(replaying(folder).ask(question("a")))).kind, "not_recorded")
      const unwritable = recording(join(folder, file, "below"), fake)
      assert.strictEqual((yield* unwritable.ask(question("a"))).text, "hm")
      // A file system that takes no folders.
      assert.strictEqual((yield* recording("/proc/traffic/below", fake).ask(question("a"))).text, "hm")
    }).pipe(Effect.scoped)
  )
})
