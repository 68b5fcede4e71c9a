import { createServer } from "node:http"
import { createServer as createTcpServer } from "node:net"
import { assert, describe, it, layer } from "@effect/vitest"
import type { StreamConfig } from "@nats-io/jetstream"
import { Effect, Layer, Logger } from "effect"
import { layerNats, type SystemOptions } from "../../runtime/nats/index.ts"
import { manage } from "../support/manage.ts"
import { NatsServer, natsServer } from "../support/nats.ts"

/** Opens a log, and gives what was said about it. */
const opened = (options: Partial<SystemOptions> & { readonly url: string }) => {
  const lines: Array<string> = []
  const capture = Logger.layer([
    Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  ])
  return Layer.build(Layer.fresh(layerNats({ namespace: "fresh", name: "test", ...options }))).pipe(
    Effect.provide(capture),
    Effect.as({ lines }),
    Effect.scoped
  )
}

/** The sentence with which it refuses. */
const refusal = (options: Partial<SystemOptions> & { readonly url: string }) =>
  Effect.map(Effect.flip(opened(options)), (error) => {
    assert.strictEqual(error._tag, "ServerUnsuitable")
    return error.message
  })

/** A port on which something speaks first. */
const port = (listen: (listening: (port: number) => void) => { readonly close: () => unknown }) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: () => unknown }>((resume) => {
      const server = listen((port) => resume(Effect.succeed({ port, close: () => server.close() })))
    }),
    ({ close }) => Effect.sync(() => void close())
  ).pipe(Effect.map((made) => made.port))

const portOf = (address: unknown): number => Number(Object(address).port)

/** Something that greets like a nats-server, and does no more than a client needs to believe it. */
const greeter = (info: object) =>
  port((listening) => {
    const server = createTcpServer((socket) => {
      const greeting = { server_id: "X", max_payload: 1_048_576, proto: 1, headers: true, ...info }
      socket.write(`INFO ${JSON.stringify(greeting)}\r\n`)
      socket.on("data", (data) => data.includes("PING") && socket.write("PONG\r\n"))
      socket.on("error", () => socket.destroy())
    })
    return server.listen(0, "127.0.0.1", () => listening(portOf(server.address())))
  })

describe("a server that cannot carry the runtime is refused in a sentence:", () => {
  it.live("one that is too old", () =>
    Effect.gen(function* () {
      const old = yield* greeter({ version: "2.10.29", jetstream: true })
      const sentence = yield* refusal({ url: `nats://127.0.0.1:${old}` })
      assert.strictEqual(sentence, `the NATS server at nats://127.0.0.1:${old} is 2.10.29; 2.14 or newer is needed`)
    })
  )

  it.live("one without JetStream", () =>
    Effect.gen(function* () {
      const plain = yield* greeter({ version: "2.15.1" })
      const sentence = yield* refusal({ url: `nats://127.0.0.1:${plain}` })
      assert.strictEqual(sentence, `the NATS server at nats://127.0.0.1:${plain} has JetStream switched off`)
    })
  )

  it.live("none at all", () =>
    Effect.gen(function* () {
      const nobody = yield* Effect.scoped(greeter({ version: "2.15.1" }))
      assert.include(
        yield* refusal({ url: `nats://127.0.0.1:${nobody}` }),
        "no NATS server answers at nats://127.0.0.1"
      )
    })
  )

  it.live("one that is not a cluster, where three copies are asked for", () =>
    Effect.gen(function* () {
      const { url } = yield* natsServer()
      assert.include(yield* refusal({ url, replicas: 3 }), "replicas > 1 not supported")
    })
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("a stream that would lose or refuse what is stored", (it) => {
  const updated = (namespace: string, change: Partial<StreamConfig>) =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      yield* opened({ url, namespace })
      yield* manage(url, (manager) => manager.streams.update(namespace.toUpperCase(), change))
      return yield* refusal({ url, namespace })
    })

  it.effect.each([
    ["max_bytes", 10_000_000],
    ["max_msgs", 1_000],
    ["max_age", 3_600_000_000_000],
    ["max_msgs_per_subject", 5],
    ["max_msg_size", 1_000]
  ] as const)("is refused by its name and its setting: %s", ([setting, value]) =>
    Effect.gen(function* () {
      const sentence = yield* updated(`limit_${setting}`, { [setting]: value })
      assert.include(sentence, `the stream LIMIT_${setting.toUpperCase()} has ${setting}=${value}, which would `)
    })
  )

  it.effect("is refused where direct gets are switched off, or events are not republished, or a subject is gone", () =>
    Effect.gen(function* () {
      const noDirect = yield* updated("direct", { allow_direct: false })
      assert.strictEqual(noDirect, "the stream DIRECT has allow_direct=false and must have allow_direct=true")
      const fewer = yield* updated("fewer", { subjects: ["fewer.mail.>", "fewer.journal.>", "fewer.timer.>"] })
      assert.strictEqual(fewer, "the stream FEWER does not take the subject fewer.event.>: add it to the stream")
    })
  )

  it.effect("is refused where it is somebody else's", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      yield* manage(url, (manager) => manager.streams.add({ name: "THEIRS", subjects: ["theirs.>"] }))
      const sentence = yield* refusal({ url, namespace: "theirs" })
      assert.strictEqual(sentence, "the stream THEIRS exists already and is not Conclave's: choose another namespace")
      const left = yield* manage(url, (manager) => manager.streams.info("THEIRS"))
      assert.deepStrictEqual(left.config.subjects, ["theirs.>"])
    })
  )

  it.effect("is refused where its subjects are another stream's", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      yield* manage(url, (manager) => manager.streams.add({ name: "OTHER", subjects: ["taken.mail.>"] }))
      assert.include(yield* refusal({ url, namespace: "taken" }), "subjects overlap")
    })
  )
})

describe("whether a server writes to the disk before it confirms", () => {
  const servers = (sync: string) =>
    Effect.gen(function* () {
      const monitorPort = yield* Effect.scoped(greeter({}))
      const { url } = yield* natsServer({ syncInterval: sync, monitorPort })
      return { url, monitorUrl: `http://127.0.0.1:${monitorPort}` }
    })

  it.live("is seen in its monitoring: strict takes it, and nothing is said", () =>
    Effect.gen(function* () {
      const server = yield* servers("always")
      const { lines } = yield* opened({ ...server, durability: "strict" })
      assert.deepStrictEqual(lines, [])
    })
  )

  it.live("is said loudly where it does not, and strict refuses", () =>
    Effect.gen(function* () {
      const server = yield* servers("2m")
      const { lines } = yield* opened(server)
      assert.strictEqual(lines.length, 1)
      assert.match(
        lines[0]!,
        /^Error the NATS server at http:.* confirms writes before they are on the disk: set "sync_interval: always"/
      )
      assert.include(yield* refusal({ ...server, durability: "strict" }), "confirms writes before they are on the disk")
    })
  )

  it.live("cannot be seen without its monitoring: strict refuses and says what to set", () =>
    Effect.gen(function* () {
      const { url } = yield* natsServer()
      assert.include(yield* refusal({ url, durability: "strict" }), "set NATS_MONITOR_URL")
      const { lines } = yield* opened({ url, durability: "warn" })
      assert.deepStrictEqual(lines, [])
    })
  )

  it.live("is known of a server of our own", () =>
    Effect.gen(function* () {
      const { url } = yield* natsServer({ syncInterval: "always" })
      assert.deepStrictEqual((yield* opened({ url, durability: "strict", syncAlways: true })).lines, [])
      assert.include(yield* refusal({ url, durability: "strict", syncAlways: false }), "confirms writes before")
    })
  )

  it.live("is not taken from another server's monitoring, or from something that is none", () =>
    Effect.gen(function* () {
      const [{ url }, other] = [yield* natsServer({ syncInterval: "always" }), yield* servers("always")]
      const strict = { url, durability: "strict" } as const
      assert.include(yield* refusal({ ...strict, monitorUrl: other.monitorUrl }), "is none of those at http://")
      const web = yield* port((listening) => {
        const server = createServer((_, response) => response.end("hello"))
        return server.listen(0, "127.0.0.1", () => listening(portOf(server.address())))
      })
      const monitorUrl = `http://127.0.0.1:${web}`
      assert.include(yield* refusal({ ...strict, monitorUrl }), "must be the address of its HTTP monitoring")
      const { lines } = yield* opened({ url, monitorUrl })
      assert.match(lines.join(), /^Warn nothing at http:/)
    })
  )
})
