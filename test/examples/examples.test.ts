// The examples, as their READMEs have them run.
import { execFileSync, spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { conclaveWith, dataFolder, environment, ROOT, start } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"

const CSV = ["--csv", join(ROOT, "samples", "ACME.csv")]
const configOf = (name: string) => ["--config", join(ROOT, "examples", name, "conclave.config.ts")]
const python = spawnSync("python3", ["--version"]).status === 0

describe("the examples", () => {
  it("each have a README, and are in the guide", () => {
    const guide = readFileSync(join(ROOT, "docs", "EXTENDING.md"), "utf8")
    for (const name of readdirSync(join(ROOT, "examples"))) {
      assert.match(readFileSync(join(ROOT, "examples", name, "README.md"), "utf8"), /^# /)
      assert.include(guide, `../examples/${name}/README.md`)
    }
  })

  it.live("own-agent votes in an analysis, is walked through prices and is examined", () =>
    Effect.gen(function* () {
      const lines = readFileSync(join(ROOT, "examples", "own-agent", "conclave.config.ts"), "utf8").split("\n")
      assert.isAtMost(lines.length, 40)
      const analyzed = yield* conclaveWith({}, "analyze", "ACME", ...CSV, ...configOf("own-agent"))
      assert.match(analyzed.stdout, /^ {2}momentum +BUY +0\.55 +5\.8% in 4 weeks/m, analyzed.stderr)
      const walked = yield* endedInProcess({}, "backtest", ...CSV, "--from", "2023-11-01", ...configOf("own-agent"))
      assert.match(walked.stdout, /^momentum +-?\d+\.\d%/m, walked.stderr)
      const examined = yield* endedInProcess(
        {},
        ...["test-agents", "--agent", "momentum", "--runs", "1", "--regime", "trending_bullish"],
        ...configOf("own-agent")
      )
      assert.match(examined.stdout, /MOMENTUM/, examined.stderr)
    })
  )

  it.live("a panel is said in one place, and of agents that there are", () =>
    Effect.gen(function* () {
      const analyze = (env: Record<string, string>, ...words: ReadonlyArray<string>) =>
        endedInProcess(env, "analyze", "ACME", ...CSV, ...words)
      const twice = yield* analyze({ CONCLAVE_PANEL: "momentum" }, ...configOf("own-agent"))
      assert.match(twice.stderr, /CONCLAVE_PANEL=momentum: must not be set: .* has a panel for every symbol/)
      const none = yield* analyze({ CONCLAVE_PANEL: "momentum" })
      assert.match(none.stderr, /CONCLAVE_PANEL=momentum: there is no agent momentum; there are market_analyst, /)
      const model = { CONCLAVE_MODEL_MOMENTUM: "ollama:a" }
      assert.include((yield* analyze(model, ...configOf("own-agent"))).stderr, "the agent momentum has no prompt")
    })
  )

  it.live("own-tool is used, and python-agent votes beside those inside", () =>
    Effect.gen(function* () {
      const env = { CONCLAVE_DATA: yield* dataFolder, PORT: "0" }
      const words = ["up", "--symbols", "ACME", "--speed", "5", ...configOf("own-tool")]
      const running = yield* start(words, env)
      const url = yield* running.says(/HTTP +(http:\S+)\/api/)
      yield* running.says(/\n\S+ +ACME .* contrarian (BUY|SELL|HOLD)/)
      const told = yield* endedInProcess(env, "feedback", "contrarian:place_in_range")
      assert.include(told.stdout, "contrarian:place_in_range", told.stderr)
      if (!python) return console.log("python-agent is not run: there is no python3 on this machine")
      const agent = join(ROOT, "examples", "python-agent", "agent.py")
      const said = execFileSync("python3", [agent, url, "ACME"], { env: environment({}), encoding: "utf8" })
      assert.match(said, /^ACME: (BUY|SELL|HOLD) [\d.]+\n/)
      assert.match(said, /^ {2}snake +(BUY|SELL|HOLD) +[\d.]+/m)
      assert.match(said, /^ {2}risk_advisor_ACME /m)
    }).pipe(Effect.scoped)
  )
})
