import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random } from "effect"
import {
  FAULT_KINDS,
  faultsOf,
  formatFaults,
  ledgerExperiment,
  makeTrial,
  NO_FAULTS,
  pairsOf,
  parseFaults,
  type RunReport,
  runCampaign,
  SEED_MAX
} from "../../sim/index.ts"

const FRESH_MILLIS = 12_000

const trial = makeTrial(ledgerExperiment)

const storyOf = (seed: number): string => {
  const hash = createHash("sha256")
  trial.run(seed, trial.draw(seed), { trace: (line) => hash.update(`${line}\n`) })
  return hash.digest("hex")
}

const tell = (reports: ReadonlyArray<RunReport>): ReadonlyArray<string> =>
  reports.flatMap(({ seed, breaches }) => breaches.map(({ law, detail }) => `seed ${seed}: ${law}: ${detail}`))

/** Runs that showed a defect of the runtime, which is mended. `test/support/mutants/` has each of these defects. */
const MENDED = [
  { defect: "a message was said to be refused, after a try of which nobody knew", faults: "all", seed: 34 },
  { defect: "an ask failed because asking for its answer again was refused", faults: "all", seed: 36 },
  { defect: "shards lost and taken again were read by the tail from before", faults: "all", seed: 12 },
  {
    defect: "actors with mail were not woken by a new tail",
    faults: "unacked=0.5,slow=0.25,leave=4,crash=4",
    seed: 231
  },
  { defect: "a clock set back lengthened a lease", faults: "jump=6,pause=3", seed: 30 },
  { defect: "a clock set back stopped the actors of a type with a rate", faults: "all", seed: 15 },
  { defect: "who had a place and waited for its rate was not called", faults: "all", seed: 439 }
]

describe("a world", () => {
  it("is the same for the same seed, byte for byte, and another for another", () => {
    const stories = [1, 2, 3, 4, 5].map(storyOf)
    assert.deepStrictEqual([1, 2, 3, 4, 5].map(storyOf), stories)
    assert.strictEqual(new Set(stories).size, 5)
  })

  it("leaves nothing of one run for the next", () => {
    const alone = storyOf(9)
    storyOf(10)
    assert.strictEqual(storyOf(9), alone)
  })

  it("tells the same whether somebody listens or not", () => {
    const drawn = trial.draw(7)
    const quiet = trial.run(7, drawn)
    const told = trial.run(7, drawn, { trace: () => undefined })
    assert.deepStrictEqual([told.happenings, told.commits], [quiet.happenings, quiet.commits])
  })

  it.effect("keeps every law where nothing goes wrong", () =>
    Effect.gen(function* () {
      const none = yield* runCampaign(makeTrial(ledgerExperiment, { faults: NO_FAULTS }), {
        seed: 1,
        goesOn: ({ runs }) => Effect.succeed(runs < 40)
      })
      assert.deepStrictEqual(tell(none.broken), [])
      assert.isAbove(none.messages, 400)
      assert.strictEqual(none.coverage.hits.size, 0)
    })
  )

  it.live(
    "keeps every law under every fault, with seeds that nobody has seen",
    () =>
      Effect.gen(function* () {
        const seed = yield* Random.nextIntBetween(0, SEED_MAX - 1_000_000)
        const until = (yield* Clock.currentTimeMillis) + FRESH_MILLIS
        const goesOn = Effect.map(Clock.currentTimeMillis, (now) => now < until)
        const { runs, messages, coverage, broken } = yield* runCampaign(trial, { seed, goesOn: () => goesOn })
        console.log(`simulated ${runs} runs from seed ${seed} on: ${messages} messages`)
        assert.deepStrictEqual(tell(broken), [])
        assert.strictEqual(coverage.hits.size, FAULT_KINDS.length)
        assert.isAbove(coverage.pairs.size, 40)
      }),
    10 * FRESH_MILLIS
  )
})

describe("faults", () => {
  it("are read as a list with rates, and what is wrong is said", () => {
    const read = parseFaults("crash=5,slow=0.2,skew")
    assert.deepStrictEqual(
      read,
      new Map([
        ["crash", 5],
        ["slow", 0.2],
        ["skew", undefined]
      ])
    )
    assert.strictEqual(typeof read === "string" ? read : formatFaults(read), "crash=5,slow=0.2,skew")
    for (const [text, wrong] of Object.entries({
      crush: "there is no fault",
      "slow=2": "between 0 and 1",
      "crash=1.5": "a whole number",
      "skew=-1": "milliseconds",
      "slow=x": "between 0 and 1"
    })) {
      const said = parseFaults(text)
      assert.isTrue(typeof said === "string" && said.includes(wrong), `${text}: ${String(said)}`)
    }
  })

  it("strike at the rate that is given, and no others", () => {
    const asked = makeTrial(ledgerExperiment, { faults: new Map([["crash", 3] as const, ["slow", 0.5] as const]) })
    const { setting } = asked.draw(1)
    assert.strictEqual(setting.rates.slow, 0.5)
    assert.deepStrictEqual(
      setting.episodes.map(({ kind }) => kind),
      ["crash", "crash", "crash"]
    )
    const { coverage } = asked.run(1, asked.draw(1))
    assert.deepStrictEqual([...coverage.hits.keys()].sort(), ["crash", "slow"])
  })

  it("of each kind strike, and each pair of them meets, within some hundred runs", () => {
    const all = makeTrial(ledgerExperiment, { faults: faultsOf(FAULT_KINDS) })
    const met = new Set<string>()
    for (let seed = 1; seed <= 400 && met.size < pairsOf(FAULT_KINDS).length; seed++) {
      for (const pair of all.run(seed, all.draw(seed)).coverage.pairs.keys()) met.add(pair)
    }
    assert.deepStrictEqual(
      pairsOf(FAULT_KINDS).filter((pair) => !met.has(pair)),
      []
    )
  })
})

describe("of the defects that were found", () => {
  for (const { defect, faults, seed } of MENDED) {
    it(`none is back: ${defect}`, () => {
      const read = parseFaults(faults)
      if (typeof read === "string") return assert.fail(read)
      const again = makeTrial(ledgerExperiment, { faults: read })
      assert.deepStrictEqual(tell([again.run(seed, again.draw(seed))]), [])
    })
  }
})
