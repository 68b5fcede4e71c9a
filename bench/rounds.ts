import { Effect } from "effect"
import { BoardProtocol, VOTERS, VoterProtocol, votersOf } from "./actors.ts"
import { bareLoad } from "./bare-load.ts"
import type { Part } from "./part.ts"
import {
  median,
  millis,
  mustBe,
  pairedRatio,
  percentile,
  perSecond,
  printTable,
  ROUNDS,
  rate,
  ratio
} from "./report.ts"
import { measured, openSystem, range, type System, sum } from "./system.ts"

const BOARDS = 64
const ALONE = 100
const TOGETHER = 1_500
/** The message that opens a round, the three that it leads to, and the three that they lead to. */
const STEPS = 1 + 2 * VOTERS

/** A client asks an actor, which sends to three, which each answer it, and it answers the client. */
export const rounds: Part = {
  name: "rounds",
  run: ({ url }) => Effect.scoped(measure(url))
}

const measure = (url: string) =>
  Effect.gen(function* () {
    const system = yield* openSystem({ url, nodes: "here" })
    const bare = yield* bareLoad(url, "here")
    const key = (index: number) => `b${index % BOARDS}`
    const ours = (count: number, atOnce: number) =>
      Effect.forEach(
        range(count),
        (index) => measured(system.actors.ask(BoardProtocol, key(index), "Open", { round: String(index) })),
        { concurrency: atOnce }
      )
    const theirs = (count: number, atOnce: number) => bare.asks({ kind: "open", count, atOnce, key })
    yield* Effect.andThen(ours(TOGETHER, BOARDS), theirs(TOGETHER, BOARDS)) // activated, and compiled
    const alone = yield* inTurn(ours(ALONE, 1), theirs(ALONE, 1))
    const speed = (all: Effect.Effect<ReadonlyArray<number>, unknown>) =>
      Effect.map(measured(all), (took) => [perSecond(TOGETHER, took)])
    const together = yield* inTurn(speed(ours(TOGETHER, BOARDS)), speed(theirs(TOGETHER, BOARDS)))
    const done = TOGETHER + ROUNDS * (ALONE + TOGETHER)
    yield* verify(system, key, done)
    yield* mustBe("bare messages recorded", bare.recorded(), done * STEPS)
    yield* printTable(
      `Rounds: a client asks an actor, that sends to three, each answers it, it answers: ${STEPS} steps. Bare: the same messages in atomic groups`,
      ["", "ours", "bare", "ratio"],
      [
        ["one at a time, p50", ...latencies(alone, 0.5)],
        ["one at a time, p99", ...latencies(alone, 0.99)],
        [
          `${BOARDS} at a time`,
          rate(median(together.mine.flat())),
          rate(median(together.other.flat())),
          pairedRatio(together.mine.flat(), together.other.flat()).toFixed(2)
        ]
      ]
    )
    return []
  })

interface Turns {
  readonly mine: ReadonlyArray<ReadonlyArray<number>>
  readonly other: ReadonlyArray<ReadonlyArray<number>>
}

const inTurn = <E>(ours: Effect.Effect<ReadonlyArray<number>, E>, theirs: Effect.Effect<ReadonlyArray<number>, E>) =>
  Effect.forEach(range(ROUNDS), () => Effect.all([ours, theirs])).pipe(
    Effect.map((turns): Turns => ({ mine: turns.map(([mine]) => mine), other: turns.map(([, other]) => other) }))
  )

const latencies = ({ mine, other }: Turns, share: number) => {
  const [ours, theirs] = [percentile(mine.flat(), share), percentile(other.flat(), share)]
  return [millis(ours), millis(theirs), ratio(theirs, ours)]
}

const verify = ({ actors }: System, key: (index: number) => string, done: number) =>
  Effect.gen(function* () {
    const boards = range(BOARDS).map(key)
    const closed = yield* Effect.forEach(boards, (board) => actors.ask(BoardProtocol, board, "Get", {}))
    yield* mustBe("rounds closed", sum(closed), done)
    const voters = boards.flatMap(votersOf)
    const votes = yield* Effect.forEach(voters, (voter) => actors.ask(VoterProtocol, voter, "Get", {}))
    yield* mustBe("votes", sum(votes), done * VOTERS)
  })
