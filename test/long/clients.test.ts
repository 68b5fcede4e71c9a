import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { dataFolder, start } from "../support/command.ts"
import { http, openSocket } from "../support/gateway.ts"
import { durableServer, real, saw } from "../support/long.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const LATE = new URL("../support/late-clock-main.ts", import.meta.url).pathname
const FILES = 128
const SOCKETS = 200

const decodeSaid = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ tokens: Schema.Int, connected: Schema.Int }))
)

/** A node and a gateway on a server of their own. */
const system = (env: Record<string, string> = {}, files?: number) =>
  Effect.gen(function* () {
    const { url } = yield* durableServer()
    const node = yield* start(["node", "--nats", url])
    yield* node.says(/serves actors/)
    const gateway = yield* start(["gateway", "--nats", url, "--port", "0"], env, files)
    const address = yield* gateway.says(/gateway on (http:\S+) for/)
    return { gateway, address, port: Number(new URL(address).port) }
  })

/** Seconds of processor that a process has used. */
const processorOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

describe("a client whose clock is wrong", () => {
  it.live("asks for a token once, ahead or behind, and stays connected", () =>
    real(
      Effect.gen(function* () {
        const { address } = yield* system({ GATEWAY_JWT_SECRET: SECRET })
        for (const shift of ["3600", "-3600", "86400"]) {
          const args = [LATE, `${address.replace("http", "ws")}/ws`, SECRET, shift, "8"]
          const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, args))
          yield* saw(`a clock that is ${shift} s ahead: ${stdout.trim()}`)
          assert.deepStrictEqual(decodeSaid(stdout), { tokens: 1, connected: 1 })
        }
      })
    )
  )
})

describe("more clients than the gateway may have files", () => {
  it.live("are told of in one line with the remedy, take no processor, and those who are in are served", () =>
    real(
      Effect.gen(function* () {
        const { gateway, port } = yield* system({}, FILES)
        const sockets = yield* Effect.forEach(
          Array.from({ length: SOCKETS }, (_, index) => index),
          () => openSocket(port),
          { concurrency: 20 }
        )
        // Some were closed before all were open.
        for (const socket of sockets) socket.on("error", () => {}).resume()
        yield* Effect.sleep("4 seconds")
        const before = processorOf(gateway.pid)
        yield* Effect.sleep("5 seconds")
        const share = (processorOf(gateway.pid) - before) / 5
        const closed = sockets.filter(({ destroyed }) => destroyed).length
        const said = `${gateway.stdout()}${gateway.stderr()}`
        const times = said.match(/files that the process may open are used up/g)?.length ?? 0
        yield* saw(`${closed} of ${SOCKETS} connections were closed; ${Math.round(share * 100)}% of a core at rest`)
        assert.isAbove(closed, SOCKETS - FILES)
        assert.isBelow(closed, SOCKETS)
        assert.match(said, /ulimit -n \d+/)
        assert.isAtLeast(times, 1)
        assert.isBelow(share, 0.5, "it does not spin")
        for (const socket of sockets) socket.destroy()
        yield* Effect.sleep("1 second")
        assert.strictEqual((yield* http(port, "/healthz")).status, 200)
      })
    )
  )
})

/** What comes back on one connection for these parts, one packet each. */
const exchange = (port: number, parts: ReadonlyArray<string>, answers: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const socket = yield* openSocket(port)
      socket.setNoDelay(true)
      let text = ""
      const codes = () => (text.match(/HTTP\/1\.1 \d+/g) ?? []).map((line) => line.slice(9))
      socket.on("data", (chunk) => (text += String(chunk))).on("error", () => {})
      for (const part of parts) {
        socket.write(part)
        yield* Effect.sleep("10 millis")
      }
      const complete = Effect.suspend(() => Effect.succeed(codes().length >= answers))
      yield* Effect.repeat(Effect.delay(complete, "5 millis"), { until: (all) => all }).pipe(
        Effect.timeoutOption("5 seconds")
      )
      return codes()
    })
  )

const cutAt = (text: string, at: number) => [text.slice(0, at), text.slice(at)]

describe("requests in odd packets", () => {
  it.live("are answered wherever they are cut; in the first line they may be refused, and none is left waiting", () =>
    real(
      Effect.gen(function* () {
        const folder = yield* dataFolder
        const up = yield* start(["up", "--port", "0", "--data", folder, "--symbols", "ACME", "--speed", "20"])
        yield* up.says(/ACME {2,}\S/)
        const port = Number(/http:\/\/127\.0\.0\.1:(\d+)\/api/.exec(up.stdout())?.[1])
        const body = '{"symbol":"ACME"}'
        const get = "GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        const post = `POST /api/v1/agents/analyze HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
        for (const [what, text, step] of [
          ["GET", get, 1],
          ["POST", post, 5]
        ] as const) {
          const line = text.indexOf("\r\n") + 2
          const places = Array.from({ length: Math.floor((text.length - 1) / step) }, (_, index) => 1 + index * step)
          const answers = yield* Effect.forEach(places, (at) => exchange(port, cutAt(text, at), 1), { concurrency: 4 })
          const codes = answers.map((codes) => codes.join())
          const refused = places.filter((at, index) => at <= line && codes[index] === "505")
          const bad = places.filter((at, index) => codes[index] !== "200" && !refused.includes(at))
          yield* saw(`one ${what}, cut at ${places.length} places: ${refused.length} refused in the first line`)
          assert.deepStrictEqual(bad, [], what)
          assert.isBelow(refused.length, places.filter((at) => at <= line).length, "not all of them")
        }
        assert.deepStrictEqual(yield* exchange(port, [get.repeat(5)], 5), ["200", "200", "200", "200", "200"])
      })
    )
  )
})
