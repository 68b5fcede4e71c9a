import { join } from "node:path"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Operators } from "../../runtime/index.ts"
import { conclaveWith, dataFolder } from "../support/command.ts"
import { runInProcess } from "../support/in-process.ts"
import { lettersOf, menderSystem, owner, tell } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

const Findings = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      area: Schema.String,
      level: Schema.Literals(["good", "warning", "bad"]),
      text: Schema.String,
      remedy: Schema.optionalKey(Schema.String)
    })
  )
)

it.live(
  "conclave doctor names every setting that is wrong or that nothing reads, and a machine that lacks something",
  () =>
    Effect.gen(function* () {
      const env = { PORT: "x", LOG_LEVEL: "loud", GATEWAY_CONECTIONS: "5", OPENAI_ORG: "ours" }
      const wrong = yield* conclaveWith(env, "doctor")
      assert.strictEqual(wrong.code, 1)
      assert.deepStrictEqual(
        wrong.stdout.split("\n").filter((line) => !line.includes("→")),
        [
          "BAD   settings  PORT=x: must be a whole number from 0 to 65535",
          "BAD   settings  LOG_LEVEL=loud: must be All, Trace, Debug, Info, Warn, Error, Fatal or None",
          "WARN  settings  GATEWAY_CONECTIONS is no variable that is read",
          ""
        ]
      )
      assert.match(wrong.stderr, /2 things are wrong/)
      const data = join(yield* dataFolder, "not", "there")
      const lacking = yield* conclaveWith({ NATS_SERVER: "/nowhere" }, "doctor", "--data", data, "--json")
      assert.strictEqual(lacking.code, 1)
      const found = yield* Schema.decodeUnknownEffect(Findings)(lacking.stdout)
      assert.deepStrictEqual(
        found.filter(({ level }) => level === "bad").map(({ text }) => text),
        ["NATS_SERVER=/nowhere: must be the path of a nats-server program"]
      )
      assert.include(found.at(-1)?.text, `none runs on ${data}`)
    }).pipe(Effect.scoped)
)

layer(NatsServer.layer, { excludeTestServices: true })("conclave doctor on a system", (it) => {
  const examine = (namespace: string) =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const env = { NATS_URL: url, CONCLAVE_NAMESPACE: namespace, PORT: "0" }
      const { printed, error } = yield* runInProcess(["doctor", "--json"], env)
      const [text = ""] = /^\[[\s\S]*?^\]/m.exec(printed) ?? []
      const found = yield* Schema.decodeUnknownEffect(Findings)(text)
      return { error, found: found.filter(({ area }) => area === "server" || area === "system") }
    })
  const texts = (found: ReadonlyArray<{ level: string; text: string }>) =>
    found.map(({ level, text }) => `${level}: ${text}`)

  it.effect("says who is alive, what is paused, and how many messages could not be processed", () =>
    Effect.gen(function* () {
      const reached = "good: NATS answers, and has this system's streams"
      const nobody = yield* examine("deserted").pipe(Effect.provide(operatorsOf("deserted")))
      assert.deepStrictEqual(texts(nobody.found), [reached, "bad: no node is alive: messages wait"])
      assert.match(nobody.error, /one thing is wrong/)
      const looked = yield* Effect.gen(function* () {
        yield* tell("a", "bad", "bad")
        yield* lettersOf("a", 2)
        yield* Operators.use(({ pause }) => pause({ kind: "actor", address: owner("b") }, "to look at it"))
        return yield* examine("lived")
      }).pipe(Effect.provide(menderSystem("lived", new Set(["bad"]))))
      assert.deepStrictEqual(texts(looked.found), [
        reached,
        "good: 1 node alive: node-1",
        "warning: 1 pause by people",
        "warning: 2 dead letters"
      ])
      assert.strictEqual(looked.error, "")
    })
  )
})
