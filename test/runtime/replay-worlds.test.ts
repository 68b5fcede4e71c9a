import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import {
  type Actor,
  formatAddress,
  formatExport,
  parseExport,
  parseRecord,
  type Recording,
  type Replayed,
  type ReplayedStep,
  replay,
  summarize
} from "../../runtime/index.ts"
import { History, LogRecording, ledgerExperiment, makeTrial, SEED_MAX } from "../../sim/index.ts"
import { Fold } from "../../sim/invariants/fold.ts"
import { ledgerActors } from "../../sim/ledger/ledger.ts"

const RUNS = 25

const actorOf = (type: string): Actor => ledgerActors.find((actor) => actor.type === type)!

/** A run of the simulated world: what was stored, and what its laws found to be true. */
const runOf = (seed: number) => {
  const tape = new LogRecording()
  const history = new History({ actors: ledgerActors })
  const committed = (commit: Parameters<LogRecording["committed"]>[0]) => {
    tape.committed(commit)
    history.committed(commit)
  }
  trial.run(seed, trial.draw(seed), { observer: { committed } })
  return { tape, history }
}

const trial = makeTrial(ledgerExperiment)

/** What would be left of a recording on a server: no mail, and where the type allows it nothing before the last snapshot that cut it. */
const worn = (recording: Recording): Recording => {
  const complete = actorOf(recording.address.type).definition.history === "complete"
  const last = recording.records.findLastIndex(({ payload }) => parseRecord(payload).kept === 1)
  return { ...recording, mail: [], records: complete ? recording.records : recording.records.slice(last) }
}

const stepsOf = (replayed: Iterable<Replayed>): ReadonlyArray<ReplayedStep> =>
  [...replayed].filter((each) => each.kind === "step")

describe("the journal of any actor of any simulated run", () => {
  it("replays to the state that its run had, and every decision is the same", () => {
    let steps = 0
    fc.assert(
      fc.property(fc.nat(SEED_MAX), (seed) => {
        const { tape, history } = runOf(seed)
        for (const recording of tape.recordings) {
          const { address } = recording
          const actor = actorOf(address.type)
          const replayed = [...replay(actor, recording)]
          const found = summarize(replayed)
          const wrong = stepsOf(replayed).filter(({ verdict }) => verdict.verdict !== "same")
          assert.deepStrictEqual(wrong, [], `seed ${seed}, ${formatAddress(address)}`)
          assert.strictEqual(found.fault, undefined)
          steps += found.steps
          const life = history.life(address)
          assert.strictEqual(found.steps, life.steps.length)
          if (life.stopped) continue
          const after = stepsOf(replayed).at(-1)?.after
          assert.deepStrictEqual(after, JSON.parse(new Fold(actor).format(life.state)))
        }
      }),
      { numRuns: RUNS }
    )
    assert.isAbove(steps, 5 * RUNS)
  })
  it("tells as much as it can of what a server has left of it", () => {
    const seen = { complete: 0, cut: 0, whole: 0 }
    for (let seed = 0; seed < RUNS; seed++) {
      for (const recording of runOf(seed).tape.recordings) {
        const actor = actorOf(recording.address.type)
        const all = stepsOf(replay(actor, recording))
        const replayed = [...replay(actor, worn(recording))]
        const steps = stepsOf(replayed)
        const { fault, same, differs, unchecked } = summarize(replayed)
        assert.deepStrictEqual([fault, differs], [undefined, 0], `seed ${seed}`)
        if (actor.definition.history === "complete") {
          assert.deepStrictEqual(steps, all, "the messages are in the journal")
          seen.complete += same
          continue
        }
        assert.strictEqual(unchecked, steps.length)
        const [start] = replayed
        seen[start?.kind === "start" && start.from === "snapshot" ? "cut" : "whole"]++
        // What can still be folded leads to the same state.
        const known = steps.filter((step) => "after" in step)
        for (const step of known) {
          const { after } = all.find(({ sequence }) => sequence === step.sequence)!
          assert.deepStrictEqual(step.after, after)
        }
      }
    }
    assert.isAbove(Math.min(seen.complete, seen.cut, seen.whole), 5, JSON.stringify(seen))
  })

  it("says the same read from a file", () =>
    Effect.gen(function* () {
      for (const recording of runOf(11).tape.recordings) {
        const text = formatExport({ namespace: "simulated", recording })
        const exported = yield* parseExport(text)
        assert.deepStrictEqual(exported, { namespace: "simulated", recording })
        const actor = actorOf(recording.address.type)
        assert.deepStrictEqual([...replay(actor, exported.recording)], [...replay(actor, recording)])
      }
    }).pipe(Effect.runSync))
})
