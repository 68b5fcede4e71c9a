// What takes longer than a request is waited for: one at a time a client, looked at, cancelled, and remembered by its key.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import type { TaskRunners } from "../../gateway/index.ts"
import type { TaskStatus } from "../../protocols/index.ts"
import { http, startGateway } from "../support/gateway.ts"
import { eventually } from "../support/nodes.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const KEY = "0b7c3d52-6b1f-4c6e-9a53-2f1f3f0f8d11"

const sign = (subject: string, operations = ["analyze", "feed", "status", "cancel"]): Effect.Effect<string> =>
  Effect.promise(() =>
    new SignJWT({ patterns: [">"], operations })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(subject)
      .setExpirationTime("1m")
      .sign(Buffer.from(SECRET))
  )

const opened = Effect.gen(function* () {
  const go = yield* Deferred.make<void>()
  const tasks: TaskRunners = {
    symbolsOf: ({ symbols = ["ACME"] }) => symbols,
    isSimulated: (symbol) => symbol === "BESIDE",
    agentTests: (body, tell) => {
      tell({ done: 1, total: 2 })
      if (body.seed === 13) return Effect.fail(new Error("it went wrong"))
      return Effect.as(Deferred.await(go), { told: body })
    },
    marketSimulation: (_, tell) => {
      tell({ done: 5, total: null }, { bars: 5 })
      return Effect.never
    }
  }
  const { gateway } = yield* startGateway({ auth: { secret: Redacted.make(SECRET) }, tasks })
  const asking = (method: "GET" | "POST") => (token: string, path: string, body?: object, key?: string) =>
    http(gateway.port, path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(method === "POST" ? { "content-type": "application/json" } : {}),
        ...(key === undefined ? {} : { "idempotency-key": key })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  return { go, get: asking("GET"), post: asking("POST") }
})

const taskOf = ({ json }: { readonly json: unknown }) => json as TaskStatus
const typeOf = ({ json, status }: { readonly json: unknown; readonly status: number }) => [
  status,
  (json as { readonly type: string }).type.replace("urn:conclave:problem:", "")
]

describe("tasks over HTTP", () => {
  it.live("are begun with an id, tell how far they are, and what they came to", () =>
    Effect.gen(function* () {
      const { go, get, post } = yield* opened
      const ada = yield* sign("ada")
      const begun = yield* post(ada, "/api/v1/agents/tests", { runs: 1 }, KEY)
      const { task_id, state, kind } = taskOf(begun)
      assert.deepStrictEqual([begun.status, state, kind], [202, "running", "agent_tests"])
      assert.strictEqual(begun.headers.location, `/api/v1/agents/tasks/${task_id}`)
      const look = get(ada, `/api/v1/agents/tasks/${task_id}`)
      assert.deepStrictEqual(taskOf(yield* look).progress, { done: 1, total: 2 })
      // Asked again with its key it is the same; with another body the key is refused.
      assert.strictEqual(taskOf(yield* post(ada, "/api/v1/agents/tests", { runs: 1 }, KEY)).task_id, task_id)
      assert.deepStrictEqual(typeOf(yield* post(ada, "/api/v1/agents/tests", { runs: 2 }, KEY)), [409, "key-reused"])
      yield* Deferred.succeed(go, undefined)
      const { result, ended_at } = taskOf(yield* eventually(look, (found) => taskOf(found).state === "done"))
      assert.deepStrictEqual(result, { told: { runs: 1 } })
      assert.isString(ended_at)
      yield* post(ada, "/api/v1/agents/tests", { seed: 13 }).pipe(
        Effect.flatMap((failing) =>
          eventually(
            get(ada, `/api/v1/agents/tasks/${taskOf(failing).task_id}`),
            (found) => taskOf(found).state === "failed"
          )
        ),
        Effect.tap((failed) => Effect.sync(() => assert.strictEqual(taskOf(failed).detail, "it went wrong")))
      )
    })
  )

  it.live("are one at a time of a client, its own, and can be cancelled", () =>
    Effect.gen(function* () {
      const { get, post } = yield* opened
      const [ada, bob, olga] = [yield* sign("ada"), yield* sign("bob"), yield* sign("olga", ["status", "operate"])]
      const { task_id } = taskOf(yield* post(ada, "/api/v1/market/simulations", { symbols: ["ACME"] }))
      const path = `/api/v1/agents/tasks/${task_id}`
      const second = yield* post(ada, "/api/v1/agents/tests", {})
      assert.deepStrictEqual(typeOf(second), [429, "too-many-tasks"])
      const same = yield* post(bob, "/api/v1/market/simulations", { symbols: ["ACME"] })
      assert.deepStrictEqual(typeOf(same), [409, "simulation-running"])
      const beside = yield* post(bob, "/api/v1/market/simulations", { symbols: ["ICE", "BESIDE"] })
      assert.deepStrictEqual(typeOf(beside), [409, "simulation-running"])
      assert.deepStrictEqual(typeOf(yield* get(bob, path)), [404, "unknown-task"])
      assert.deepStrictEqual(typeOf(yield* post(bob, `${path}/cancel`, {})), [404, "unknown-task"])
      assert.strictEqual(taskOf(yield* get(olga, path)).state, "running")
      const cancelled = taskOf(yield* post(ada, `${path}/cancel`, {}))
      assert.deepStrictEqual([cancelled.state, cancelled.result], ["cancelled", { bars: 5 }])
      assert.strictEqual((yield* post(bob, "/api/v1/market/simulations", { symbols: ["ACME"] })).status, 202)
      assert.strictEqual((yield* post(ada, "/api/v1/agents/tests", {})).status, 202)
      const carl = yield* post(yield* sign("carl"), "/api/v1/agents/tests", {})
      assert.deepStrictEqual(typeOf(carl), [429, "too-many-tasks"])
    })
  )

  it.live("of a wrong kind are refused with the field", () =>
    Effect.gen(function* () {
      const { post } = yield* opened
      const ada = yield* sign("ada")
      const wrong = [
        yield* post(ada, "/api/v1/agents/tests", { regimes: ["stormy"] }),
        yield* post(ada, "/api/v1/market/simulations", { speed: 0 }),
        yield* post(ada, "/api/v1/market/simulations", { symbols: ["ACME", "ACME"] })
      ]
      assert.deepStrictEqual(
        wrong.map(({ json, status }) => [status, (json as { readonly field?: string }).field]),
        [
          [400, "regimes[0]"],
          [400, "speed"],
          [400, "symbols"]
        ]
      )
    })
  )
})
