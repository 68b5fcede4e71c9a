// A system begins and ends: in a process of its own that uses promises only, as a layer, and more than one.
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AgentSystem, SystemClosed } from "../../system/index.ts"
import { ROOT, SOURCES } from "../support/command.ts"

const folder = (): string => mkdtempSync(join(tmpdir(), "conclave-test-"))

const program = `
import { AgentSystem } from "${join(ROOT, "system", "index.ts")}"
const system = await AgentSystem.initialize({ dataDir: process.argv[2] })
const decisions = await system.decisions({ symbol: "ACME" })
const simulation = await system.simulateMarketStream({ symbols: ["ACME"], bars: 1, speed: 100 })
for await (const { data } of decisions) {
  console.log(data.symbol, data.decision)
  break
}
await system.onTool(() => undefined)
await system.shutdown()
`

/** Runs it until it ends by itself, and gives its code and what it printed. */
const run = (file: string, ...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [...SOURCES, file, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    let [stdout, stderr] = ["", ""]
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

/** Processes that were started with a folder's files. */
const processesOn = (path: string): ReadonlyArray<string> =>
  readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(path)
    } catch {
      return false
    }
  })

describe("a program", () => {
  it("uses it with promises only; once it is shut down the process ends by itself and leaves none", async () => {
    const data = folder()
    try {
      const file = join(data, "program.mjs")
      writeFileSync(file, program)
      const { code, stdout, stderr } = await run(file, join(data, "store"))
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^ACME (BUY|SELL|HOLD)\n$/)
      assert.deepStrictEqual(processesOn(data), [])
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  })

  it("has it for a block: what is stored is there for the next one, and a folder is for one at a time", async () => {
    const dataDir = folder()
    try {
      let first: AsyncDisposable & { getSystemStatus(): Promise<unknown> }
      {
        await using system = await AgentSystem.initialize({ dataDir })
        first = system
        const simulation = await system.simulateMarketStream({ symbols: ["ACME"], bars: 1 })
        await simulation.finished()
        const second = await AgentSystem.initialize({ dataDir }).catch((error: unknown) => error)
        assert.strictEqual((second as { _tag: string })._tag, "DataFolderInUse")
      }
      const closed = await first.getSystemStatus().catch((error: unknown) => error)
      assert.instanceOf(closed, SystemClosed)
      await using next = await AgentSystem.initialize({ dataDir })
      // What it decided on is there.
      assert.strictEqual((await next.runRealTimeAnalysis({ symbol: "ACME" })).symbol, "ACME")
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

  it("is told what keeps it from starting, and nothing of it is left", async () => {
    const start = (options: Parameters<typeof AgentSystem.initialize>[0]) =>
      AgentSystem.initialize(options).catch((error: unknown) => error as Error & { _tag: string })
    const found = [
      await start({ namespace: "Two Words" }),
      await start({ temporary: true, dataDir: "x" }),
      await start({ nats: "nats://127.0.0.1:1" }),
      await start({ temporary: true, natsServer: "/nowhere/nats-server" }),
      await start({ temporary: true, gateway: { port: 0, host: "0.0.0.0" } })
    ].map((error) => ("_tag" in error ? [error._tag, error.message] : error))
    assert.deepStrictEqual(
      found.map((each) => (Array.isArray(each) ? each[0] : each)),
      ["InvalidOption", "InvalidOption", "ServerUnsuitable", "NatsServerMissing", "InvalidAuth"]
    )
    for (const each of found) assert.isAbove(Array.isArray(each) ? (each[1]?.length ?? 0) : 0, 20)
  })

  it.live("has it as a layer", () =>
    Effect.gen(function* () {
      const system = yield* AgentSystem
      const { symbols } = yield* Effect.flatMap(
        system.simulateMarketStream({ symbols: ["ACME"], bars: 1 }),
        ({ ended }) => ended
      )
      assert.strictEqual(symbols[0]?.bars, 61)
      const { final_recommendation } = yield* system.runRealTimeAnalysis({ symbol: "ACME" })
      assert.include(["BUY", "SELL", "HOLD"], final_recommendation)
    }).pipe(Effect.scoped, Effect.provide(AgentSystem.layer({ temporary: true })))
  )
})
