// Many rounds in flight at once over three node processes, of which one after the other is killed; then each is verified.
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { verifyConsensus } from "../../cli/operate/verify.ts"
import { CoordinatorProtocol, toWindow } from "../../protocols/index.ts"
import { Actors, Operators } from "../../runtime/index.ts"
import { layerNats, layerOperators } from "../../runtime/nats/index.ts"
import { dailyBars } from "./bars.ts"
import { seeded } from "./chaos-faults.ts"
import { natsServer } from "./nats.ts"
import { type NodeProcess, startNode } from "./node-process.ts"

const NODES = 3
const NAMESPACE = "rounds"
const ASK_TIMEOUT = "90 seconds"
const VERIFIED_AT_ONCE = 16
const KILL_EVERY_MILLIS = 3_000

export interface RoundsOptions {
  readonly rounds: number
  readonly seed: number
  /**
   * From when a node has taken the place of one that was killed to the next kill, in milliseconds, give or take a half; 3,000 unless
   * given. Much less, and no node lives long enough to get anything done.
   */
  readonly killEveryMillis?: number
  readonly say?: (line: string) => Effect.Effect<void>
}

export interface RoundsReport {
  /** What is wrong, a sentence each. */
  readonly complaints: ReadonlyArray<string>
  readonly results: number
  readonly kills: number
  readonly closedBy: Readonly<Record<string, number>>
  readonly url: string
  readonly consensusIds: ReadonlyArray<string>
}

/** A place for a node: one process after the other runs there. */
interface Berth {
  process: NodeProcess
  scope: Scope.Closeable
}

/** Each round is an analysis of a symbol of its own: coordinator, three agents with quant votes, and the round. */
export const runRounds = ({
  rounds,
  seed,
  killEveryMillis = KILL_EVERY_MILLIS,
  say = () => Effect.void
}: RoundsOptions) =>
  Effect.gen(function* () {
    const random = seeded(seed)
    const { url } = yield* natsServer()
    const services = yield* Layer.build(layerNats({ url, namespace: NAMESPACE, name: "client", ttlSeconds: 1 }))
    const actors = Context.get(services, Actors)
    const berths = yield* startNodes(url)
    let answered = 0
    const asking = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: rounds }),
        (_, index) =>
          Effect.result(askRound(actors, index, random)).pipe(Effect.tap(() => Effect.sync(() => answered++))),
        { concurrency: "unbounded" }
      )
    )
    let kills = 0
    while (asking.pollUnsafe() === undefined) {
      yield* Effect.sleep(killEveryMillis * (0.5 + random()))
      if (asking.pollUnsafe() !== undefined) break
      yield* killOne(berths, Math.floor(random() * NODES), url, ++kills)
      yield* say(`kill ${kills}, ${answered} of ${rounds} answered`)
    }
    const answers = yield* Fiber.join(asking)
    yield* say(`${answers.length} answers after ${kills} kills`)
    const consensusIds = answers.flatMap((each) => (each._tag === "Success" ? [each.success.consensus_id] : []))
    const failed = answers.flatMap((each, index) =>
      each._tag === "Success" ? [] : [`round ${index} got no result: ${inWords(each.failure)}`]
    )
    const twice = consensusIds.length - new Set(consensusIds).size
    const verified = yield* verifyAll(url, consensusIds)
    const report: RoundsReport = {
      complaints: [...failed, ...(twice === 0 ? [] : [`${twice} rounds have another's id`]), ...verified.complaints],
      results: consensusIds.length,
      kills,
      closedBy: verified.closedBy,
      url,
      consensusIds
    }
    return report
  })

/** A refusal is data and no sentence. */
const inWords = (failure: { readonly _tag: string }) => (failure instanceof Error ? failure.message : failure._tag)

const askRound = (actors: Actors["Service"], index: number, random: () => number) => {
  let price = 100
  const closes = Array.from({ length: 60 }, () => (price *= 1 + (random() - 0.5) / 20))
  const correlation_id = `round-${index}`
  return actors.ask(
    CoordinatorProtocol,
    `S${index}`,
    "Analyze",
    { correlation_id, bars: toWindow(dailyBars(closes)) },
    { messageId: correlation_id, timeout: ASK_TIMEOUT }
  )
}

const start = (url: string, name: string) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const process = yield* startNode(url, NAMESPACE, name, "rounds").pipe(Scope.provide(scope))
    return { process, scope }
  })

const startNodes = (url: string) =>
  Effect.acquireRelease(
    Effect.forEach(
      Array.from({ length: NODES }, (_, index) => `node-${index}`),
      (name): Effect.Effect<Berth, Error> => start(url, name),
      { concurrency: NODES }
    ),
    (berths) => Effect.forEach(berths, ({ scope }) => Scope.close(scope, Exit.void))
  )

const killOne = (berths: ReadonlyArray<Berth>, at: number, url: string, kill: number) =>
  Effect.gen(function* () {
    const berth = berths[at]!
    yield* berth.process.kill
    yield* Scope.close(berth.scope, Exit.void)
    Object.assign(berth, yield* start(url, `node-${at}-${kill}`))
  })

/** As `conclave verify` does it, for each. */
const verifyAll = (url: string, ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const services = yield* Layer.build(layerOperators({ url, namespace: NAMESPACE, name: "operators" }))
    const operators = Context.get(services, Operators)
    const closedBy: Record<string, number> = {}
    const complaints = yield* Effect.forEach(
      ids,
      (id) =>
        Effect.map(verifyConsensus(operators, id), (found) => {
          const by = found.result?.closed_by ?? "nobody"
          closedBy[by] = (closedBy[by] ?? 0) + 1
          const differences = found.differences.map(({ what }) => `${id} differs: ${what}`)
          return found.phase === "closed" ? differences : [...differences, `${id} is ${found.phase}`]
        }),
      { concurrency: VERIFIED_AT_ONCE }
    )
    return { complaints: complaints.flat(), closedBy }
  })
