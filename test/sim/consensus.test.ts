import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { allActors, consensusActor, quantPolicy, verifyRound } from "../../actors/index.ts"
import { ConsensusProtocol, CoordinatorProtocol, type RoundRequest } from "../../protocols/index.ts"
import { ask, type Command, type Ending, type SimulateOptions, simulate, takeBars, tell } from "../../sim/index.ts"

const RUNS = 60
const [FIRST, SECOND, THIRD] = ["1", "2", "3"].map((digit) => digit.padStart(26, "0"))
const ROUNDS = [FIRST!, SECOND!, THIRD!]
const AGENTS = ["a1", "a2", "a3", "a4"]

const round = fc.constantFrom(...ROUNDS)
const agent = fc.constantFrom(...AGENTS, "stranger")
const decision = fc.constantFrom("BUY" as const, "SELL" as const, "HOLD" as const)
const sure = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10)

/** Each round has one request, whoever opens it and however often. */
const requestOf = (id: string): RoundRequest => ({
  symbol: "ACME",
  correlation_id: id,
  invited: AGENTS.map((agent_id, index) => ({ agent_id, agent_type: index === 0 ? "risk_advisor" : "outside" })),
  method: id === FIRST ? "weighted_confidence" : id === SECOND ? "log_opinion_pool" : "unanimous",
  conflict_resolution: id === THIRD ? "escalate_to_human" : "conservative_bias",
  timeout_ms: 4_000,
  agent_timeout_ms: 3_000,
  quorum_grace_ms: 1_000,
  escalation_timeout_ms: 2_000,
  early_close: id === FIRST
})

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: round.map((id) => ask(ConsensusProtocol, id, "Open", { request: requestOf(id) })) },
  {
    weight: 6,
    arbitrary: fc.tuple(round, agent, decision, sure).map(([id, agent_id, said, confidence]) =>
      ask(ConsensusProtocol, id, "CastVote", {
        vote: { agent_id, agent_type: typeOf(agent_id), decision: said, confidence, reasoning: "" }
      })
    )
  },
  {
    weight: 2,
    arbitrary: fc.tuple(round, agent).map(([id, agent_id]) =>
      ask(ConsensusProtocol, id, "Abstain", {
        abstention: { agent_id, agent_type: typeOf(agent_id), reason: "nothing to say" }
      })
    )
  },
  { weight: 1, arbitrary: round.map((id) => ask(ConsensusProtocol, id, "Cancel", { reason: "enough" })) },
  { weight: 1, arbitrary: round.map((id) => ask(ConsensusProtocol, id, "GetResult", {})) }
)

const typeOf = (agentId: string): string => (agentId === "a1" ? "risk_advisor" : "outside")

/** The rounds of a run, each recomputed from what its journal holds. */
const roundsOf = ({ journals }: Ending) =>
  Array.from(journals(consensusActor), ([id, steps]) => {
    const events = steps.flatMap(({ time, events: stored = [] }) =>
      stored.map(({ _tag, data }) => ({ _tag, data, time }))
    )
    return { id, events, verified: verifyRound(id, events) }
  })

const isIdle = Schema.is(Schema.Struct({ running: Schema.Null, waiting: Schema.Tuple([]) }))

const count = (events: ReadonlyArray<{ readonly _tag: string }>, tag: string): number =>
  events.filter(({ _tag }) => _tag === tag).length

/** What every round keeps, whoever opened it. */
const roundLaws: NonNullable<SimulateOptions["laws"]> = {
  "a round's result is what its recorded votes give": (ending) => {
    const wrong = roundsOf(ending).find(({ verified }) => !verified.equal)
    return wrong === undefined || `${wrong.id}: ${JSON.stringify(wrong.verified.differences)}`
  },
  "a round that was opened ends, with one result": (ending) => {
    const wrong = roundsOf(ending).find(({ events }) => count(events, "Opened") !== count(events, "Closed"))
    return wrong === undefined || `${wrong.id} has ${count(wrong.events, "Closed")} results`
  },
  "a voter has one word": (ending) => {
    for (const { id, verified } of roundsOf(ending)) {
      const voters = verified.result?.participating_agents ?? []
      if (new Set(voters).size !== voters.length) return `${id}: ${voters.join()}`
    }
    return true
  }
}

describe("rounds of a consensus under every fault", () => {
  it("lose no vote and count none twice, end by their deadline, and are what their votes give", () => {
    const closed = new Map<string, number>()
    simulate({
      actors: [consensusActor],
      commands,
      laws: {
        ...roundLaws,
        "a vote that was accepted is in the round, and one that was refused is not": (ending) => {
          const cast = new Map(roundsOf(ending).map(({ id, events }) => [`consensus/${id}`, count(events, "VoteCast")]))
          for (const [name, votes] of cast) {
            const mine = ending.heard.filter(({ command }) => command.to === name && command.message === "CastVote")
            const of = (outcome: string) => mine.filter((each) => each.outcome === outcome).length
            if (votes < of("answered")) return `${name} has ${votes} votes, and accepted ${of("answered")}`
            if (votes > of("answered") + of("unknown")) return `${name} has ${votes} votes, more than were sent`
          }
          return true
        },
        "it closes no later than all its timeouts come to": (ending) => {
          for (const { id, verified } of roundsOf(ending)) {
            const millis = verified.result?.processing_time_ms ?? 0
            const by = verified.result?.closed_by ?? "open"
            closed.set(by, (closed.get(by) ?? 0) + 1)
            // The log may be away, or full, when a timer is due; it is healed after 20 s.
            if (millis > 26_000) return `${id} took ${millis} ms`
          }
          return true
        }
      },
      runs: RUNS,
      commandsMax: 40
    })
    assert.includeMembers([...closed.keys()], ["all_votes", "deadline", "cancelled"])
  })

  it("and so does a whole panel, with its coordinator and what learns from it", () => {
    const actors = allActors({
      policy: quantPolicy,
      roundTimeoutMillis: 3_000,
      performance: { horizonMillis: 1_000, patienceMillis: 1_000 }
    })
    // An outcome is waited for as long as two intervals of the bars: so near together none is open when a world ends.
    const market = { seed: 1, symbol: "ACME", startTime: 1_600_000_000_000, intervalMillis: 100 }
    const [first, ...bars] = takeBars(market, 30)
    const known = {
      time: [first!.time],
      open: [first!.open],
      high: [first!.high],
      low: [first!.low],
      close: [first!.close],
      volume: [first!.volume]
    }
    const coordinator = actors.find(({ type }) => type === CoordinatorProtocol.type)!
    let answered = 0
    simulate({
      actors,
      commands: fc.oneof(
        fc.constantFrom(...bars).map((bar) => tell(CoordinatorProtocol, "ACME", "Bar", { bar })),
        fc.nat(9).map((n) => ask(CoordinatorProtocol, "ACME", "Analyze", { correlation_id: `c${n}`, bars: known })),
        fc
          .nat(9)
          .map((n) => ask(CoordinatorProtocol, "ACME", "CancelAnalysis", { correlation_id: `c${n}`, reason: "" }))
      ),
      laws: {
        ...roundLaws,
        "the coordinator is idle when all is over": ({ states, heard }) => {
          answered += heard.filter(
            ({ command, outcome }) => command.message === "Analyze" && outcome === "answered"
          ).length
          return [...states(coordinator).values()].every(isIdle)
        }
      },
      runs: 12,
      commandsMax: 12
    })
    assert.isAbove(answered, 5)
  }, 60_000)
})
