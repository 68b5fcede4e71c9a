// A system begins and ends: in a process of its own that uses promises only, as a layer, and more than one.
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { AnalysisResult } from "../../protocols/index.ts"
import { takeBars } from "../../sim/index.ts"
import { AgentSystem, type RunningSystem, SystemClosed } from "../../system/index.ts"
import { ROOT, SOURCES } from "../support/command.ts"

const bars = takeBars({ seed: 3, symbol: "ACME", startTime: Date.UTC(2025, 0, 1), regime: "trending_bullish" }, 100)

const folder = (): string => mkdtempSync(join(tmpdir(), "conclave-test-"))

const program = `
import { AgentSystem } from "${join(ROOT, "system", "index.ts")}"
const system = await AgentSystem.initialize({ dataDir: process.argv[2] })
const decisions = await system.decisions({ symbol: "ACME" })
await system.onTool(() => undefined)
await system.simulateMarketStream({ symbols: ["GLOBEX"] })
await system.runRealTimeAnalysis({ symbol: "ACME", bars: ${JSON.stringify(bars)} })
for await (const { data } of decisions) {
  console.log(data.symbol, data.decision)
  break
}
await system.shutdown()
`

const orphaned = `
import { readFileSync } from "node:fs"
import { AgentSystem } from "${join(ROOT, "system", "index.ts")}"
const system = await AgentSystem.initialize({ dataDir: process.argv[2], log: "None" })
const decisions = await system.decisions()
const dropping = await system.onDecision(() => undefined, { onError: (error) => console.log("callback", error._tag) })
const market = await system.simulateMarketStream({ past_bars: 0 })
process.kill(Number(readFileSync(process.argv[2] + "/nats/server.pid", "utf8")), "SIGKILL")
console.log("broken", (await system.broken)._tag)
console.log("market", (await market.finished().catch((error) => error))._tag)
try {
  for await (const _ of decisions);
} catch (error) {
  console.log("events", error._tag)
}
await system.shutdown()
console.log("down")
`

const signalled = `
import { AgentSystem } from "${join(ROOT, "system", "index.ts")}"
const way = process.argv[2]
await AgentSystem.initialize({ temporary: true, log: "None" })
console.log("up")
if (way === "exit") process.exit(3)
process.once("SIGHUP", () => process.exit(7))
process.kill(process.pid, way)
`

/** Runs it until it ends by itself, and gives its code and what it printed. */
const run = (env: Readonly<Record<string, string>>, file: string, ...args: ReadonlyArray<string>) =>
  new Promise<{
    readonly code: number | null
    readonly signal: NodeJS.Signals | null
    readonly stdout: string
    readonly stderr: string
  }>((resolve) => {
    const child = spawn(process.execPath, [...SOURCES, file, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env }
    })
    let [stdout, stderr] = ["", ""]
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
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

/** What is left in a folder, and the processes on it. */
const left = (path: string) => [readdirSync(path), processesOn(path)]

describe("a program", () => {
  it("uses it with promises only; once it is shut down the process ends by itself and leaves none", async () => {
    const data = folder()
    try {
      const file = join(data, "program.mjs")
      writeFileSync(file, program)
      const { code, stdout, stderr } = await run({}, file, join(data, "store"))
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^ACME (BUY|SELL|HOLD)\n$/)
      assert.deepStrictEqual(processesOn(data), [])
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  })

  it("ends by itself also where its server was killed", async () => {
    const data = folder()
    try {
      const file = join(data, "orphaned.mjs")
      writeFileSync(file, orphaned)
      const { code, stdout } = await run({}, file, join(data, "store"))
      const broken = ["broken", "callback", "market", "events"].map((what) => `${what} SystemBroken`)
      assert.strictEqual(code, 0)
      assert.sameMembers(stdout.trim().split("\n"), [...broken, "down"])
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  })

  it("that is ended by a signal stops it, and one that is killed leaves no server and no folder", async () => {
    const data = folder()
    try {
      const file = join(data, "signalled.mjs")
      writeFileSync(file, signalled)
      const ways = ["SIGINT", "SIGHUP", "SIGKILL", "exit"]
      const found = await Promise.all(
        ways.map(async (way) => {
          const temporary = join(data, way)
          mkdirSync(temporary)
          const { code, signal, stdout } = await run({ TMPDIR: temporary }, file, way)
          return { way, ended: code ?? signal, stdout: stdout.trim(), temporary }
        })
      )
      assert.deepStrictEqual(
        found.map(({ ended, stdout }) => [ended, stdout]),
        // For SIGHUP it has a handler of its own.
        [
          ["SIGINT", "up"],
          [7, "up"],
          ["SIGKILL", "up"],
          [3, "up"]
        ]
      )
      // Stopped in order it is so already; otherwise its server is stopped afterwards.
      assert.deepStrictEqual(left(found[0]?.temporary ?? ""), [[], []])
      for (const { way, temporary } of found) {
        const until = Date.now() + 10_000
        while (left(temporary).flat().length > 0 && Date.now() < until) await sleep(20)
        assert.deepStrictEqual(left(temporary), [[], []], way)
      }
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  })

  it("has it for a block: what is stored is there for the next one, and a folder is for one at a time", async () => {
    const dataDir = folder()
    try {
      let first: RunningSystem
      let asked: AnalysisResult
      {
        await using system = await AgentSystem.initialize({ dataDir })
        first = system
        asked = await system.runRealTimeAnalysis({ symbol: "ACME", bars })
        const second = await AgentSystem.initialize({ dataDir }).catch((error: unknown) => error)
        assert.strictEqual((second as { _tag: string })._tag, "DataFolderInUse")
      }
      const closed = await first.getSystemStatus().catch((error: unknown) => error)
      assert.instanceOf(closed, SystemClosed)
      await using next = await AgentSystem.initialize({ dataDir })
      const result = await next.getConsensusResult(asked.consensus_id)
      assert.strictEqual(result?.final_decision, asked.final_recommendation)
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

  it("uses a NATS that is there, by its option or NATS_URL, and shares the system with others on it", async () => {
    const given = process.env.NATS_URL
    try {
      await using first = await AgentSystem.initialize({ temporary: true })
      process.env.NATS_URL = first.nats
      await using second = await AgentSystem.initialize()
      await using apart = await AgentSystem.initialize({ nats: first.nats, namespace: "apart" })
      assert.deepStrictEqual([second.nats, apart.nats], [first.nats, first.nats])
      const { consensus_id, final_recommendation } = await first.runRealTimeAnalysis({ symbol: "ACME", bars })
      const seen = await second.getConsensusResult(consensus_id)
      assert.strictEqual(seen?.final_decision, final_recommendation)
      const unseen = await apart.getConsensusResult(consensus_id).catch((error: unknown) => error)
      assert.strictEqual((unseen as { code: string }).code, "unknown-round")
    } finally {
      if (given === undefined) delete process.env.NATS_URL
      else process.env.NATS_URL = given
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
      ["InvalidOption", "InvalidOption", "ServerUnsuitable", "InvalidOption", "InvalidOption"]
    )
    for (const each of found) assert.isAbove(Array.isArray(each) ? (each[1]?.length ?? 0) : 0, 20)
  })

  it.live("has it as a layer", () =>
    Effect.gen(function* () {
      const system = yield* AgentSystem
      const { stream } = yield* system.decisions({ symbol: "ACME" })
      const { votes } = yield* system.runRealTimeAnalysis({ symbol: "ACME", bars })
      const heard = yield* Stream.runCollect(Stream.take(stream, votes.length))
      assert.sameMembers(
        heard.map(({ data }) => data.agent_id),
        votes.map(({ agent_id }) => agent_id)
      )
    }).pipe(Effect.scoped, Effect.provide(AgentSystem.layer({ temporary: true })))
  )
})
