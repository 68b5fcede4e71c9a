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
const CONNECTIONS = 8
/** Requests that each connection has under way. */
const AT_ONCE = 16

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

describe("a client that asks for rounds as fast as it can, over eight connections", () => {
  it.live("costs the market hardly a decision, and a switch hardly a moment", () =>
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
        const token = yield* bearer("mallory", ["request_consensus"], [])
        let [sent, running] = [0, true]
        const flood = Effect.gen(function* () {
          const client = yield* openClientWith(address, { headers: token })
          yield* client.next
          for (let count = 0; count < AT_ONCE; count++) client.send(asked())
          while (running) {
            yield* client.next
            client.send(asked())
          }
        }).pipe(
          Effect.scoped,
          Effect.catchDefect(() => Effect.void)
        )
        const asked = () => {
          sent++
          const symbol = SYMBOLS[sent % SYMBOLS.length]!
          return { op: "request_consensus", id: String(sent), request: round(symbol) }
        }
        const floods = yield* Effect.forEach(Array.from({ length: CONNECTIONS }), () => Effect.forkChild(flood))
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
        yield* saw(`${decisions} of ${due} decisions while ${sent} rounds were asked for; a switch took ${millis} ms`)
        assert.strictEqual(stopped.status, 200)
        assert.isAtLeast(decisions, due / 2)
        assert.isBelow(millis, 2_000)
      })
    )
  )
})
