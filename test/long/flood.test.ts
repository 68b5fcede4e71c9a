import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { SignJWT } from "jose"
import { dataFolder, start } from "../support/command.ts"
import { eventually, http, openClientWith } from "../support/gateway.ts"
import { real, saw } from "../support/long.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const SYMBOLS = ["ACME", "GLOBEX", "INITECH"]
const SPEED = 2
const SECONDS = 15

const bearer = (subject: string, operations: ReadonlyArray<string>, patterns: ReadonlyArray<string>) =>
  Effect.promise(() =>
    new SignJWT({ operations, patterns })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(subject)
      .setExpirationTime("10m")
      .sign(Buffer.from(SECRET))
  ).pipe(Effect.map((token) => ({ authorization: `Bearer ${token}` })))

/** A round as large as a client may make it, over as soon as it may be. */
const round = (symbol: string) => ({
  ...{ symbol, timeout_ms: 100, question: "q".repeat(4_000) },
  context: Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`k${index}`, "x".repeat(1_000)]))
})

interface Flood {
  readonly connections: number
  /** Requests that each connection has under way. */
  readonly atOnce: number
  /** How long each connection rests after an answer, in milliseconds. */
  readonly restMillis: number
  readonly asked: (symbol: string) => { readonly op: string }
}

/** Runs a system, and a client beside it that asks for as much as it can. */
const floodWith = ({ connections, atOnce, restMillis, asked }: Flood) =>
  real(
    Effect.gen(function* () {
      const folder = yield* dataFolder
      const env = { GATEWAY_JWT_SECRET: SECRET, CONCLAVE_DATA: folder }
      const up = yield* start(["up", "--speed", String(SPEED), "--port", "0"], env)
      const address = yield* up.says(/HTTP\s+(http:\S+)\/api\/v1/)
      yield* up.says(/\n\d{4}-\d\d-\d\d +ACME/)
      const port = Number(new URL(address).port)
      const desk = yield* bearer("desk", ["trade"], [">"])
      const watcher = yield* openClientWith(address, { headers: desk })
      yield* watcher.next
      yield* watcher.call({ op: "subscribe", id: "d", pattern: "coordination.final_decision.*" })
      const token = yield* bearer("mallory", ["request_consensus", "status"], [">"])
      let [sent, running] = [0, true]
      const flood = Effect.gen(function* () {
        const client = yield* openClientWith(address, { headers: token })
        yield* client.next
        for (let count = 0; count < atOnce; count++) client.send(next())
        while (running) {
          yield* client.next
          if (restMillis > 0) yield* Effect.sleep(restMillis)
          client.send(next())
        }
      }).pipe(
        Effect.scoped,
        Effect.catchDefect(() => Effect.void)
      )
      const next = () => ({ ...asked(SYMBOLS[++sent % SYMBOLS.length]!), id: String(sent) })
      const floods = yield* Effect.forEach(Array.from({ length: connections }), () => Effect.forkChild(flood))
      yield* eventually("the flood has begun", () => sent > 1_000)
      const before = watcher.waiting().length
      yield* Effect.sleep(`${SECONDS} seconds`)
      const decisions = watcher.waiting().length - before
      const began = performance.now()
      const stopped = yield* http(port, "/api/v1/agents/portfolio/main/switch", {
        method: "POST",
        headers: { "content-type": "application/json", ...desk },
        body: '{"action":"stop_entries"}'
      })
      const millis = Math.round(performance.now() - began)
      running = false
      yield* Effect.forEach(floods, (fiber) => Fiber.interrupt(fiber))
      const due = SPEED * SYMBOLS.length * SECONDS
      yield* saw(`${decisions} of ${due} decisions while ${sent} questions were asked; a switch took ${millis} ms`)
      assert.strictEqual(stopped.status, 200)
      assert.isAtLeast(decisions, due / 2)
      assert.isBelow(millis, 2_000)
    })
  )

describe("a client costs the market hardly a decision, and a switch hardly a moment", () => {
  it.live("that asks for rounds as fast as it can, over eight connections", () =>
    floodWith({
      ...{ connections: 8, atOnce: 16, restMillis: 0 },
      asked: (symbol) => ({ op: "request_consensus", request: round(symbol) })
    })
  )

  it.live("that asks for the status of symbols as often as each may, over five hundred connections", () =>
    floodWith({
      ...{ connections: 500, atOnce: 1, restMillis: 100 },
      asked: (symbol) => ({ op: "status", of: { symbol } })
    })
  )
})
