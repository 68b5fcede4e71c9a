// What takes long, over HTTP at the gateway of a whole system: as tasks, beside what its program does.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentTestReport } from "../../evaluation/index.ts"
import { MarketSimulationReport, type TaskStatus } from "../../protocols/index.ts"
import { AgentSystem, type OperationFailed, type RunningSystem } from "../../system/index.ts"

let system: RunningSystem
let readiness: number
beforeAll(async () => {
  system = await AgentSystem.initialize({ temporary: true, gateway: { port: 0 } })
  const { status } = await fetch(`${system.gateway}/readyz`)
  readiness = status
})
afterAll(() => system?.shutdown())

/** What it is rejected with. */
const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail("it was not rejected")
}

describe("over HTTP", () => {
  const ask = async (path: string, body?: object) => {
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
    const answer = await fetch(`${system.gateway}/api/v1/${path}`, body === undefined ? {} : post)
    return (await answer.json()) as TaskStatus & { readonly type: string }
  }
  const until = async ({ task_id }: TaskStatus, is: (found: TaskStatus) => boolean): Promise<TaskStatus> => {
    const found = await ask(`agents/tasks/${task_id}`)
    if (is(found)) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
    return until(found, is)
  }
  const ended = (task: TaskStatus) => until(task, ({ state }) => state !== "running")
  const cancelled = ({ task_id }: TaskStatus) => ask(`agents/tasks/${task_id}/cancel`, {})

  it("it was ready when it was started", () => assert.strictEqual(readiness, 200))

  it("a market is simulated and agents are tested as tasks, which are looked at", async () => {
    const simulated = await ended(await ask("market/simulations", { symbols: ["INITECH"], past_bars: 3, bars: 2 }))
    const report = Schema.decodeUnknownSync(MarketSimulationReport)(simulated.result)
    assert.deepStrictEqual([simulated.state, report.symbols[0]?.bars], ["done", 5])
    const tested = await ended(await ask("agents/tests", { regimes: ["sideways"], agents: ["joint"], runs: 1 }))
    assert.strictEqual(tested.state, "done")
    assert.containsAllKeys(tested.result, ["executive_summary", "accuracy_by_regime"])
    assert.deepStrictEqual(tested.progress.done, tested.progress.total)
  })

  it("what a cancelled task came to by then is its result", async () => {
    const market = await ask("market/simulations", { symbols: ["UMBRELLA"], past_bars: 0, speed: 50 })
    await until(market, ({ progress }) => progress.done > 0)
    const stopped = await cancelled(market)
    const report = Schema.decodeUnknownSync(MarketSimulationReport)(stopped.result)
    assert.deepStrictEqual([stopped.state, report.state, report.symbols.length], ["cancelled", "stopped", 1])
    const tests = await ask("agents/tests", { runs: 1_000 })
    await until(tests, ({ progress }) => progress.done > 20)
    const { state, progress, result } = await cancelled(tests)
    const { executive_summary } = result as AgentTestReport
    assert.strictEqual(state, "cancelled")
    assert.isAbove(executive_summary.checks, 0)
    assert.isBelow(executive_summary.scenarios, progress.done)
    assert.isBelow(executive_summary.seeds.count, 10)
  })

  it("a symbol has one simulated market at a time, of a program or of a client", async () => {
    const own = await system.simulateMarketStream({ symbols: ["SOYLENT"], past_bars: 0 })
    const refused = await ask("market/simulations", { symbols: ["SOYLENT"] })
    assert.strictEqual(refused.type, "urn:conclave:problem:simulation-running")
    await own.stop()
    const theirs = await ask("market/simulations", { symbols: ["SOYLENT"], past_bars: 0 })
    // Stopped once more it frees nothing of others.
    await own.stop()
    const error = await rejection(system.simulateMarketStream({ symbols: ["SOYLENT"] }))
    assert.strictEqual((error as OperationFailed).code, "simulation-running")
    await cancelled(theirs)
    await (await system.simulateMarketStream({ symbols: ["SOYLENT"], past_bars: 0 })).stop()
  })
})
