import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { ActorLog, Actors, AlreadyStored, type AppendError, LogFull, LogUnavailable } from "../../runtime/index.ts"
import { layerNats } from "../../runtime/nats/index.ts"
import { embeddedNats } from "../../server/nats-server.ts"
import { CounterProtocol } from "../support/counter.ts"
import { counting } from "../support/counting.ts"
import { manage } from "../support/manage.ts"
import { natsServer, temporaryFolder } from "../support/nats.ts"
import { world } from "../support/ways.ts"

const LARGE = "x".repeat(200_000)

/** For actors that no node runs: it only takes room. */
const large = (id: string) =>
  ({ kind: "mail", to: { type: "filler", id, role: "nobody" }, payload: `${id} ${LARGE}` }) as const

const subjectOf = (namespace: string, id: string) => `${namespace}.mail.nobody.*.filler.${id}`

/** How many messages of a filler are stored. */
const stored = (url: string, namespace: string, id: string) =>
  manage(url, async (manager) => {
    const options = { subjects_filter: subjectOf(namespace, id) }
    const { state } = await manager.streams.info(namespace.toUpperCase(), options)
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
  })

const makeRoom = (url: string, namespace: string) =>
  manage(url, (manager) => manager.streams.purge(namespace.toUpperCase(), { filter: subjectOf(namespace, "ballast") }))

/**
 * How many messages there may be of groups of three. Of a last one that failed: none, all if it was completed behind others
 * that came meanwhile, or either if nobody could tell.
 */
const fates = (groups: number, exit: Exit.Exit<unknown, AppendError>): ReadonlyArray<number> => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  if (error instanceof AlreadyStored) return [3 * groups + 3]
  if (error instanceof LogUnavailable) return [3 * groups, 3 * groups + 3]
  if (error !== undefined) assert.instanceOf(error, LogFull)
  return [3 * groups]
}

const openLog = (url: string, namespace: string) =>
  Layer.build(Layer.fresh(layerNats({ url, namespace, name: "test" }))).pipe(
    Effect.flatMap((services) => ActorLog.pipe(Effect.provide(services)))
  )

/** Stores ballast, and then groups of three until the store is full. Gives the group that was on its way then, and how many were stored. */
const fillUp = (log: ActorLog["Service"]) =>
  Effect.gen(function* () {
    yield* Effect.forEach(Array.from({ length: 15 }), () => log.append([large("ballast")]))
    let whole = 0
    let full = false
    const group = log.append([large("g"), large("g"), large("g")])
    const filling = yield* Effect.forkChild(
      Effect.exit(
        Effect.repeat(
          Effect.tap(
            group,
            Effect.sync(() => void whole++)
          ),
          { while: () => !full }
        )
      )
    )
    // It takes a moment to fill up, and five seconds until nothing more is waited for.
    yield* Effect.sleep("6500 millis")
    full = true
    return { filling, whole: () => whole }
  })

describe("a server whose store is full", () => {
  it.live(
    "refuses with LogFull and stores nothing by halves; when room is made, all goes on by itself",
    () =>
      world(
        "full",
        ({ url }) =>
          Effect.gen(function* () {
            const log = yield* ActorLog
            const actors = yield* Actors
            const counters = counting(20)
            yield* Effect.forEach(Array.from({ length: 20 }), () => log.append([large("ballast")]))
            // Accepted, and perhaps not processed yet when nothing can be stored any more.
            yield* counters.tell(1_000)
            let full = false
            let groups = 0
            const group = Effect.tap(
              log.append([large("g"), large("g"), large("g")]),
              Effect.sync(() => void groups++)
            )
            const filling = yield* Effect.forkChild(Effect.exit(Effect.repeat(group, { while: () => !full })))
            const isFull = Effect.flip(actors.tell(CounterProtocol, "other", "Add", { n: 0 }))
            const refused = yield* isFull.pipe(Effect.eventually)
            full = true
            assert.strictEqual(refused._tag, "LogFull")
            const asked = yield* Effect.flip(actors.ask(CounterProtocol, "other", "Add", { n: 1 }))
            assert.strictEqual(asked._tag, "LogFull")
            // The leases run out meanwhile: they cannot be stored either.
            yield* Effect.sleep("3 seconds")
            yield* manage(url, (manager) =>
              manager.streams.purge("FULL", { filter: "full.mail.nobody.*.filler.ballast" })
            )
            yield* counters.ask(20)
            yield* counters.verify
            assert.strictEqual(yield* actors.ask(CounterProtocol, "other", "Get", {}), 0)
            const exit = yield* Fiber.join(filling)
            assert.include(fates(groups, exit), yield* stored(url, "full", "g"))
          }),
        { maxFileStore: "8MB" }
      ),
    60_000
  )

  it.live.each(["5800KB", "6000KB", "6200KB"])(
    "leaves no half of a group behind, wherever in a group the limit falls: %s",
    (maxFileStore) =>
      Effect.gen(function* () {
        const { url } = yield* natsServer({ maxFileStore })
        const log = yield* openLog(url, "whole")
        const { filling, whole } = yield* fillUp(log)
        yield* makeRoom(url, "whole")
        const exit = yield* Fiber.join(filling)
        assert.include(fates(whole(), exit), yield* stored(url, "whole", "g"))
        yield* log.append([large("g"), large("g"), large("g")])
      }).pipe(Effect.scoped),
    30_000
  )

  it.live(
    "that is started again with more room completes the half of a group itself, and it is not completed twice",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* temporaryFolder
        const start = (scope: Scope.Closeable, maxFileStore: string, port?: number) =>
          embeddedNats({ binary: process.env.NATS_SERVER, syncInterval: "2m", dataDir, maxFileStore, port }).pipe(
            Scope.provide(scope)
          )
        const small = yield* Scope.make()
        yield* Effect.addFinalizer(() => Scope.close(small, Exit.void))
        const { url, port } = yield* start(small, "5900KB")
        const log = yield* openLog(url, "whole")
        const { filling, whole } = yield* fillUp(log)
        assert.notStrictEqual((yield* stored(url, "whole", "g")) % 3, 0, "there is half a group")
        yield* Scope.close(small, Exit.void)
        const roomy = yield* Scope.make()
        yield* Effect.addFinalizer(() => Scope.close(roomy, Exit.void))
        yield* start(roomy, "50MB", port)
        yield* Fiber.join(filling)
        yield* Effect.sleep("1 second")
        assert.strictEqual((yield* stored(url, "whole", "g")) % 3, 0)
        assert.isAtMost(yield* stored(url, "whole", "g"), 3 * (whole() + 1))
      }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())),
    60_000
  )
})
