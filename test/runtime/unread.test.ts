import { assert, layer } from "@effect/vitest"
import { AckPolicy } from "@nats-io/jetstream"
import { Effect, Layer, Logger, Schedule } from "effect"
import { ActorLog, Actors, layerNode } from "../../runtime/index.ts"
import { CounterProtocol, counter } from "../support/counter.ts"
import { manage } from "../support/manage.ts"
import { NatsServer } from "../support/nats.ts"
import { client } from "../support/system.ts"

const NAMESPACE = "crowded"
const STREAM = NAMESPACE.toUpperCase()
/** As many as the server gives a stream, and some that it does not. */
const CONSUMERS = 1_010

/** Uses up all consumers of the stream. Gives their names. */
const useUp = (url: string) =>
  manage(url, async ({ consumers }) => {
    const made = await Promise.allSettled(
      Array.from({ length: CONSUMERS }, (_, index) =>
        consumers.add(STREAM, {
          name: `c${index}`,
          ack_policy: AckPolicy.None,
          filter_subject: `${NAMESPACE}.event.x`,
          mem_storage: true,
          inactive_threshold: 60_000_000_000
        })
      )
    )
    return made.flatMap((one) => (one.status === "fulfilled" ? [one.value.name] : []))
  })

layer(NatsServer.layer, { excludeTestServices: true })("a node that gets no consumer for its mail", (it) => {
  it.effect("says so as an error, is not ready and tells everybody, and goes on as soon as there is one", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const lines: Array<string> = []
      const capture = Logger.layer([
        Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${JSON.stringify(message)}`))
      ])
      const services = yield* Layer.build(client({ namespace: NAMESPACE }).pipe(Layer.provide(capture)))
      const log = yield* ActorLog.pipe(Effect.provide(services))
      const names = yield* useUp(url)
      assert.isBelow(names.length, CONSUMERS)
      const alerts: Array<string> = []
      yield* log.watch("alert.critical", ({ payload }) => alerts.push(payload))
      const node = layerNode({ name: "late", actors: [counter] }).pipe(Layer.provide(capture))
      yield* Layer.build(node).pipe(Effect.provide(services))
      const until = (reached: () => boolean) =>
        Effect.sync(reached).pipe(
          Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("20 millis") }),
          Effect.timeout("10 seconds")
        )
      yield* until(() => alerts.length > 0)
      assert.match(alerts[0] ?? "", /"code":"mail_unread".*maximum consumers/)
      assert.lengthOf(
        lines.filter((line) => /^Error .*cannot be read/.test(line)),
        1
      )
      assert.match((yield* Effect.flip(log.check)).message, /no consumer/)
      yield* manage(url, ({ consumers }) => consumers.delete(STREAM, names[0] ?? ""))
      const { ask } = yield* Actors.pipe(Effect.provide(services))
      assert.strictEqual(yield* ask(CounterProtocol, "a", "Add", { n: 1 }), 1)
      yield* log.check
      assert.lengthOf(alerts, 1)
    }).pipe(Effect.scoped)
  )
})
