// The actor on simulated clusters with crashes, zombies, lost answers, partitions and full disks: what must be true whatever happens.
import assert from "node:assert/strict"
import { test } from "node:test"
import { always, ask, simulate } from "@conclave/simulation"
import fc from "fast-check"
import { opinion } from "../src/agent.ts"
import { Streak, streak } from "../src/streak.ts"

test("a streak is as long as there were decisions in it", () => {
  const decision = fc.constantFrom("BUY", "SELL", "HOLD")
  const { runs } = simulate({
    actors: [streak],
    commands: decision.map((each) => ask(Streak, "ACME", "Saw", { decision: each })),
    always: [always(streak, "it is of something", ({ last, length }) => (last === null) === (length === 0))],
    laws: { "nobody hears of none": ({ heard }) => heard.every(({ value }) => value !== 0) },
    runs: 50
  })
  assert.equal(runs, 50)
})

test("the agent follows a short streak and speaks against a long one", () => {
  assert.equal(opinion("BUY", 2).decision, "BUY")
  assert.equal(opinion("BUY", 3).decision, "SELL")
  assert.ok(opinion("HOLD", 9).confidence > opinion("HOLD", 3).confidence)
})
