import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { sha256 } from "../../actors/consensus/chain.ts"
import { type RecordedEvent, verifyRound } from "../../actors/consensus/verify.ts"
import { ConflictResolution, ConsensusProtocol, Method } from "../../protocols/index.ts"
import { canonical } from "../../runtime/index.ts"
import { openRound, ROUND } from "../support/open-round.ts"
import { DECISIONS } from "../support/rounds.ts"

const TYPES = ["market_analyst", "risk_advisor", "oracle", "human", "stranger"] as const

const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("vote" as const),
      type: fc.constantFrom(...TYPES),
      decision: fc.constantFrom(...DECISIONS),
      confidence: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10)
    })
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("abstain" as const), type: fc.constantFrom(...TYPES) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("wait" as const), millis: fc.nat({ max: 2_000 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("cancel" as const) }) }
)

const stories = fc.record({
  method: fc.constantFrom(...Method.literals),
  conflict_resolution: fc.constantFrom(...ConflictResolution.literals),
  early_close: fc.boolean(),
  grace: fc.option(fc.constantFrom(500, 1_500, 6_000)),
  agents: fc.option(fc.constantFrom(800, 2_500)),
  story: fc.array(happening, { maxLength: 12 })
})

type Story = typeof stories extends fc.Arbitrary<infer S> ? S : never

const play = ({ story, grace, agents, ...request }: Story) => {
  const round = openRound({
    ...request,
    escalation_timeout_ms: 3_000,
    ...(grace === null ? {} : { quorum_grace_ms: grace }),
    ...(agents === null ? {} : { agent_timeout_ms: agents })
  })
  for (const each of story) {
    if (each.what === "vote") round.vote(each.type, each.decision, each.confidence)
    else if (each.what === "abstain") round.abstain(each.type)
    else if (each.what === "wait") round.world.advance(each.millis)
    else if (story.length % 4 === 0) {
      round.world.ask(ConsensusProtocol, ROUND, "Cancel", { reason: "by chance" })
    }
  }
  return round
}

const vote = (type: (typeof TYPES)[number], decision: (typeof DECISIONS)[number]) =>
  ({ what: "vote", type, decision, confidence: 0.9 }) as const
const apart = [vote("market_analyst", "BUY"), vote("risk_advisor", "SELL"), vote("oracle", "HOLD")]
const plain = {
  method: "unanimous",
  conflict_resolution: "escalate_to_human",
  early_close: false,
  grace: null,
  agents: null
} as const

/** One for each way to close, so that none is left to chance. */
const EXAMPLES: ReadonlyArray<Story> = [
  { ...plain, conflict_resolution: "conservative_bias", story: apart },
  { ...plain, story: apart },
  { ...plain, story: [...apart, vote("human", "BUY")] },
  { ...plain, grace: 500, conflict_resolution: "conservative_bias", story: apart.slice(0, 2) },
  { ...plain, conflict_resolution: "conservative_bias", story: apart.slice(0, 1) },
  { ...plain, story: [...apart.slice(0, 2), { what: "wait", millis: 1 }, { what: "cancel" }] }
]

describe("verifying a round", () => {
  it("finds nothing wrong with any round that was held, and each is closed by its last deadline, once, with no timer left", () => {
    const closedBy = new Set<string>()
    fc.assert(
      fc.property(stories, (story) => {
        const round = play(story)
        assert.deepStrictEqual(round.verify().differences, [])
        round.world.advance(5_000 + 3_000)
        const found = round.verify()
        assert.deepStrictEqual(found.differences, [])
        assert.strictEqual(found.phase, "closed")
        assert.strictEqual(round.tags().filter((tag) => tag === "Closed").length, 1)
        assert.lengthOf(round.world.seen("coordination.consensus_result.ACME"), 1)
        assert.deepStrictEqual(round.timers(), [])
        assert.strictEqual(found.words, round.tags().filter((tag) => /^(VoteCast|Abstained)$/.test(tag)).length)
        closedBy.add(found.result!.closed_by)
      }),
      { numRuns: 400, examples: EXAMPLES.map((story): [Story] => [story]) }
    )
    assert.deepStrictEqual([...closedBy].toSorted(), [
      "all_votes",
      "cancelled",
      "deadline",
      "escalation_timeout",
      "human",
      "quorum"
    ])
  })

  const held = () => {
    const round = openRound({ method: "simple_majority" })
    round.vote("market_analyst", "BUY", 0.9)
    round.world.advance(10)
    round.vote("risk_advisor", "BUY", 0.7)
    round.abstain("oracle")
    return round.journal()
  }
  /** The journal with one text in it replaced by another. */
  const tampered = (tag: string, from: string, to: string, nth = 0): ReadonlyArray<RecordedEvent> => {
    let count = 0
    return held().map((event) => {
      if (event._tag !== tag || count++ !== nth) return event
      const text = JSON.stringify(event.data)
      assert.include(text, from)
      return { ...event, data: JSON.parse(text.replace(from, to)) }
    })
  }
  const whats = (events: ReadonlyArray<RecordedEvent>) => verifyRound(ROUND, events).differences.map(({ what }) => what)

  it("names what was changed", () => {
    assert.deepStrictEqual(whats(held()), [])
    assert.include(
      whats(tampered("VoteCast", '"confidence":0.9', '"confidence":0.8')),
      "word 1 (market_analyst_ACME), its link"
    )
    assert.include(whats(tampered("VoteCast", '"confidence":0.9', '"confidence":0.8')), "result.confidence")
    assert.deepStrictEqual(whats(tampered("VoteCast", "said so", "said no", 1)), [
      "word 2 (risk_advisor_ACME), its link",
      "result.votes"
    ])
    assert.deepStrictEqual(whats(tampered("Abstained", "no model", "no idea")), [
      "word 3 (oracle_ACME), its link",
      "result.abstentions"
    ])
    assert.deepStrictEqual(whats(tampered("Closed", '"final_decision":"BUY"', '"final_decision":"SELL"')), [
      "result.final_decision"
    ])
    assert.deepStrictEqual(whats(tampered("Closed", "all_votes", "deadline")), ["result.closed_by"])
    assert.include(whats(tampered("Opened", '"timeout_ms":5000', '"timeout_ms":6000')), "chain's start")
    assert.include(whats(tampered("Opened", "oracle_ACME", "miracle_ACME")), "word 3 (oracle_ACME), who may speak")
  })

  /** A round with everything in it that is no vote: a refusal, an escalation that came early, and a cancellation. */
  const eventful = () => {
    const round = openRound({ conflict_resolution: "escalate_to_human", method: "unanimous", early_close: true })
    round.vote("market_analyst", "BUY", 0.9)
    round.vote("market_analyst", "SELL", 0.9)
    round.world.advance(10)
    round.vote("risk_advisor", "SELL", 0.7)
    round.vote("oracle", "SELL", 0.7)
    round.world.ask(ConsensusProtocol, ROUND, "Cancel", { reason: "holidays" })
    round.vote("stranger", "SELL", 0.7)
    return round.journal()
  }
  const changed = (tag: string, from: string | RegExp, to: string) =>
    eventful().map((event) => {
      const text = JSON.stringify(event.data)
      return event._tag === tag ? { ...event, data: JSON.parse(text.replace(from, to)) } : event
    })

  it("names who and when of a refusal, how it was escalated, and why it was cancelled", () => {
    assert.deepStrictEqual(whats(eventful()), [])
    assert.include(
      whats(changed("Refused", '"market_analyst_ACME"', '"risk_advisor_ACME"')),
      "refusal 1 (risk_advisor_ACME), its link"
    )
    assert.isNotEmpty(whats(changed("Refused", '"stranger_ACME"', '"oracle_ACME"')), "also after the close")
    assert.include(whats(changed("Refused", /"at":\d+/, '"at":1')), "refusal 1 (market_analyst_ACME), its time")
    assert.include(whats(changed("Refused", /,"chain":"\w+"/, "")), "refusal 1 (market_analyst_ACME), its link")
    assert.include(whats(changed("Escalated", '"early":true', '"early":false')), "escalation")
    assert.include(whats(changed("Escalated", '"quorum"', '"deadline"')), "escalation, its link")
    assert.include(whats(changed("Closed", "holidays", "regret")), "result.chain_hash")
    const twice = eventful().flatMap((event) => (event._tag === "Escalated" ? [event, event] : [event]))
    assert.include(whats(twice), "escalation")
  })

  it("names a word that was taken after the deadline", () => {
    const events = held().map((event) => {
      if (event._tag !== "Opened") return event
      return { ...event, data: JSON.parse(JSON.stringify(event.data).replace('"timeout_ms":5000', '"timeout_ms":5')) }
    })
    assert.include(whats(events), "word 2 (risk_advisor_ACME), who may speak")
    assert.notInclude(whats(events), "word 1 (market_analyst_ACME), who may speak")
  })

  it("takes the chain of a round that was begun before refusals joined it as it is", () => {
    const begun = held().map((event) => {
      const { chained: _, ...data } = Object(event.data)
      return { ...event, data }
    })
    const refused = { refusal: "RoundClosed", agent_id: "oracle_ACME", at: 1 } as const
    assert.deepStrictEqual(whats([...begun, { _tag: "Refused", data: { refused }, time: 1 }]), [])
  })

  it("misses no word that was lost, said twice or moved, no second close, and no event that it does not know", () => {
    const journal = held()
    const at = (tag: string) => journal.findIndex((event) => event._tag === tag)
    assert.isNotEmpty(whats(journal.toSpliced(at("VoteCast"), 1)))
    assert.isNotEmpty(whats(journal.toSpliced(2, 0, journal[1]!)))
    assert.isNotEmpty(whats(journal.with(1, journal[2]!).with(2, journal[1]!)))
    assert.include(whats([...journal, journal.at(-1)!]), "close")
    assert.isNotEmpty(whats([...journal, { _tag: "Bribed", data: {}, time: 0 }]))
    assert.isNotEmpty(whats([...journal, { _tag: "VoteCast", data: { vote: 1 }, time: 0 }]))
    assert.isNotEmpty(whats(journal.map((event) => ({ ...event, time: event.time + 1 }))))
    assert.deepStrictEqual(verifyRound(ROUND, []).phase, "unopened")
    assert.deepInclude(verifyRound(ROUND, journal.slice(0, 3)), { phase: "open", equal: true, words: 2 })
  })
})

describe("canonical JSON", () => {
  it("is one text for one value, whatever the order of its members", () => {
    assert.strictEqual(
      canonical({ b: [1, { d: null, c: "ü\n" }], a: 0.1, u: undefined }),
      '{"a":0.1,"b":[1,{"c":"ü\\n","d":null}]}'
    )
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonical(value)
        assert.strictEqual(canonical(JSON.parse(text)), text)
        assert.deepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
      })
    )
    assert.strictEqual(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  })
})
