import { assert, describe, it } from "@effect/vitest"
import { consensusActor } from "../../actors/consensus/actor.ts"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { ConsensusProtocol, CoordinatorProtocol, emptyWindow } from "../../protocols/index.ts"
import { applyRecord, emptyActor } from "../../runtime/engine/step/actor-state.ts"
import { compile } from "../../runtime/engine/step/compiled.ts"
import { decideMail } from "../../runtime/engine/step/decide.ts"
import type { CommitRecord, StepRecord } from "../../runtime/journal.ts"

const limits = { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 8_000_000 }
const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"

const step = (sequence: number, _tag: string, data: object): StepRecord => ({
  sequence,
  message: "any",
  time: 1_000,
  correlation: "c",
  events: [{ _tag, data }]
})

const record = (more: Partial<CommitRecord>): CommitRecord => ({ version: 1, kept: 1, previous: 0, steps: [], ...more })
const snapshot = (state: unknown) => ({ state, consumed: 1, timers: {}, activities: {}, recent: [] })

const voter = (type: string) => ({ agent_id: `${type}_ACME`, agent_type: type })
const request = {
  symbol: "ACME",
  correlation_id: "c1",
  invited: [voter("market_analyst"), voter("risk_advisor")],
  method: "weighted_confidence",
  timeout_ms: 5_000,
  min_confidence: 0.6
}
const word = (type: string) => ({ ...voter(type), decision: "BUY", confidence: 0.9, reasoning: "" })

describe("a round that version 1 began", () => {
  const compiled = compile(consensusActor)
  const finish = (records: ReadonlyArray<CommitRecord>) => {
    const to = { type: ConsensusProtocol.type, id: ROUND }
    const core = emptyActor(compiled, to)
    for (const each of records) applyRecord(compiled, core, each)
    const body = { vote: word("risk_advisor") }
    const payload = JSON.stringify({ kind: "message", message: "CastVote", body, correlation: "c" })
    return decideMail(compiled, core, { to, shard: "any.0", sequence: 9, time: 2_000, payload }, limits)
  }

  it("goes on, from its events and from a snapshot", () => {
    const events = [
      step(1, "Opened", { request, coordinator: "ACME", opened_at: 1_000 }),
      step(2, "VoteCast", { vote: word("market_analyst") })
    ]
    const state = {
      request,
      coordinator: "ACME",
      opened_at: 1_000,
      votes: [word("market_analyst")],
      abstentions: [],
      result: null
    }
    for (const records of [[record({ steps: events })], [record({ snapshot: snapshot(state) })]]) {
      const verdict = finish(records)
      if (verdict.kind !== "commit") assert.fail(JSON.stringify(verdict))
      assert.deepStrictEqual(
        verdict.step.events?.map(({ _tag }) => _tag),
        ["VoteCast", "Closed"]
      )
    }
    const unopened = finish([record({ snapshot: snapshot(null) })])
    assert.strictEqual(unopened.kind, "nothing")
  })
})

describe("a coordinator of version 1", () => {
  const actor = allActors({ policy: quantPolicy }).find(({ type }) => type === CoordinatorProtocol.type)!
  const compiled = compile(actor)

  it("keeps the requests that wait", () => {
    const asked = { correlation_id: "r", reply_to: null, bars: null }
    const state = { window: emptyWindow, running: null, unseen: null, waiting: [asked, asked], decisions: 3 }
    const core = emptyActor(compiled, { type: CoordinatorProtocol.type, id: "ACME" })
    applyRecord(compiled, core, record({ snapshot: snapshot(state) }))
    applyRecord(compiled, core, record({ steps: [step(2, "AnalysisRequested", { asked })] }))
    const waiting = [-1, -2, 0].map((id) => ({ id, ...asked }))
    assert.deepStrictEqual(core.state, { ...state, waiting })
  })
})

describe("an agent that knew no models, and a coordinator that knew no past", () => {
  const named = (type: string) => compile(allActors({ policy: quantPolicy }).find((actor) => actor.type === type)!)
  const asked = { consensus_id: ROUND, correlation_id: "c", symbol: "ACME" }

  it("go on: what was asked is answered, and what came after is as if it had always been", () => {
    const compiled = named("market_analyst")
    const to = { type: "market_analyst", id: "ACME" }
    const state = { requests: [asked], answered: ["01HNZX8JGFACFA36RBXDHEQN6F"] }
    const core = emptyActor(compiled, to)
    applyRecord(compiled, core, record({ snapshot: snapshot(state) }))
    applyRecord(compiled, core, record({ steps: [step(2, "Failed", { consensus_id: ROUND, reason: "it broke" })] }))
    assert.deepStrictEqual(core.state, { requests: [], answered: [...state.answered, ROUND] })
    const body = { consensus_id: ROUND.replace(/.$/, "G"), correlation_id: "c", symbol: "ACME", bars: emptyWindow }
    const payload = JSON.stringify({ kind: "message", message: "Analyze", body, correlation: "c" })
    const verdict = decideMail(compiled, core, { to, shard: "any.0", sequence: 9, time: 2_000, payload }, limits)
    assert.strictEqual(verdict.kind, "commit", JSON.stringify(verdict))

    const coordinator = named(CoordinatorProtocol.type)
    const running = { ...asked, symbol: undefined, reply_to: null, requested: false, bar_time: 1, price: 100 }
    const before = { window: emptyWindow, running, unseen: null, waiting: [], decisions: 3 }
    const desk = emptyActor(coordinator, { type: CoordinatorProtocol.type, id: "ACME" })
    applyRecord(coordinator, desk, record({ snapshot: snapshot(JSON.parse(JSON.stringify(before))) }))
    const ended = { ...step(2, "AnalysisEnded", { consensus_id: ROUND }) }
    applyRecord(coordinator, desk, record({ steps: [ended] }))
    assert.deepStrictEqual(desk.state, { ...before, running: null, decisions: 4 })
  })
})
