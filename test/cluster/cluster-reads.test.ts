import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { ActorLog, type Address, type Mail } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { type ClusterServer, natsCluster } from "../support/nats-cluster.ts"

const NAMESPACE = "reads"
const ROUNDS = 5
const RECORDS = 60
const ASKED = 5
/** So much that it takes the follower a while to get it. */
const FILLING = "x".repeat(400_000)

/** A log whose only server is this one, which answers direct gets itself where it has a copy. */
const logOn = (server: ClusterServer) =>
  Layer.build(
    Layer.fresh(layerNats({ url: server.url, namespace: NAMESPACE, name: server.name, shards: 8, replicas: 3 }))
  ).pipe(Effect.flatMap((services) => ActorLog.pipe(Effect.provide(services))))

const record = (id: string, expected: number) =>
  ({
    kind: "journal",
    owner: { type: "thing", id },
    payload: String(expected),
    expected,
    snapshot: true,
    truncate: false
  }) as const

/** All mail after a sequence: it comes piece by piece. */
const allMail = (log: ActorLog["Service"], owner: Address, after: number) =>
  Effect.gen(function* () {
    const found: Array<Mail> = []
    while (true) {
      const page = yield* log.readMail(owner, found.at(-1)?.sequence ?? after, 1_000)
      if (page.length === 0) return found
      found.push(...page)
    }
  })

describe("a follower that was silent and is behind", () => {
  it.live(
    "gives nobody an old journal or an old mailbox for the newest",
    () =>
      Effect.gen(function* () {
        const cluster = yield* natsCluster
        const [first] = cluster.servers
        yield* Effect.scoped(logOn(first!))
        const leader = yield* cluster.leaderOf(NAMESPACE.toUpperCase())
        const follower = cluster.servers.find((server) => server !== leader)!
        const writer = yield* logOn(leader)
        const reader = yield* logOn(follower)
        const owner = { type: "thing", id: "a" }
        let lastMail = 0
        let newest = yield* writer.append([record("a", 0)])
        for (let round = 0; round < ROUNDS; round++) {
          yield* follower.pause
          for (let index = 0; index < RECORDS; index++) {
            newest = yield* writer.append([{ kind: "mail", to: owner, payload: FILLING }, record("a", newest)])
          }
          yield* follower.resume
          // Asked as often as it goes, while the follower catches up.
          for (let time = 0; time < ASKED; time++) {
            const reads = [reader.readJournal(owner), allMail(reader, owner, lastMail)] as const
            const read = Effect.all(reads, { concurrency: 2 })
            const result = yield* Effect.result(read)
            if (result._tag === "Failure") {
              assert.strictEqual(result.failure._tag, "LogUnavailable", "it may say that it does not know")
              continue
            }
            const [journal, mails] = result.success
            assert.strictEqual(journal.at(-1)?.sequence, newest)
            assert.strictEqual(mails.length, RECORDS)
          }
          lastMail = newest - 1
          yield* follower.healthy
        }
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    60_000
  )
})
