// A data folder as 0.1 left it before the log's port, the engine's rooms and the protocols' folders: support/recorded/system-0.1.tgz
// holds `nats/store` of `conclave up --csv samples/ACME.csv --speed 1` after 24 decisions, two of them asked for, one actor paused.
import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { conclave, dataFolder, ROOT, start } from "../support/command.ts"
import { freePorts } from "../support/free-ports.ts"

const RECORDED = join(ROOT, "test", "support", "recorded", "system-0.1.tgz")
/** What the second request was answered then. */
const ROUND = "01M8GYMXS3ZZZPE17EZ3M15QAM"
const BEFORE = {
  final_decision: "HOLD",
  confidence: 1 / 3,
  chain_hash: "0dbf3e8064cde7b3bc1c4befe2f21241888957666ab3845c74a196203ccf1245"
}

const unpacked = Effect.tap(dataFolder, (folder) =>
  Effect.sync(() => {
    mkdirSync(folder, { recursive: true })
    execFileSync("tar", ["-xzf", RECORDED, "-C", folder])
  })
)

const Round = Schema.Struct({
  result: Schema.Struct({ final_decision: Schema.String, confidence: Schema.Number, chain_hash: Schema.String })
})

const get = (url: string) =>
  Effect.promise(async () => Schema.decodeUnknownSync(Round)(await (await fetch(url)).json()))

describe("a data folder of an earlier version", () => {
  it.live("is gone on with: decisions, journals, pauses, accounts and records are there", () =>
    Effect.gen(function* () {
      const data = yield* unpacked
      const [port = 0] = yield* freePorts(1)
      const market = ["--csv", "samples/ACME.csv", "--symbol", "ACME", "--speed", "0.01"]
      const system = yield* start(["up", ...market, "--data", data, "--port", String(port)])
      yield* system.says(/ACME continues after 2022-02-02/)
      yield* system.says(/2022-02-03 +ACME/)
      const { result } = yield* get(`http://127.0.0.1:${port}/api/v1/agents/consensus/${ROUND}`)
      assert.deepStrictEqual(result, BEFORE)
      const of = (...words: ReadonlyArray<string>) =>
        Effect.map(conclave(...words, "--data", data), ({ stdout, stderr }) => stdout + stderr)
      assert.include(yield* of("verify", ROUND), `${ROUND} is equal`)
      const replayed = yield* of("replay", `consensus/${ROUND}`)
      assert.match(replayed, /4 steps, deciding again gave the same events\n$/)
      assert.match(yield* of("actors", "resume", "agent/market_analyst.GLOBEX"), /GLOBEX goes on/)
      assert.include(yield* of("portfolio", "show", "main"), "equity   100,000.00 USD of 100,000.00 paid in")
      assert.match(yield* of("feedback"), /market_analyst +atr +2\d +100.0%/)
    }).pipe(Effect.scoped)
  )
})
