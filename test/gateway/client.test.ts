import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope } from "effect"
import { SignJWT } from "jose"
import type { AnyEvent, Gap, State } from "../../client/index.ts"
import { balancer } from "../support/balancer.ts"
import { eventually, startGateway, startGatewayOn } from "../support/gateway.ts"
import { open, stubGateway } from "../support/gateway-client.ts"

const seqs = (events: ReadonlyArray<AnyEvent>) => events.map(({ seq }) => seq)

describe("the client library", () => {
  it.live("gives events to a listener and to who iterates, with the types of the pattern", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const client = yield* open(gateway.port)
      const decisions: Array<"BUY" | "SELL" | "HOLD"> = []
      client.subscribe("decision.AAPL.*", {}, ({ data }) => decisions.push(data.decision))
      const all = client.subscribe(">", { start: { seq: 1 } })
      yield* eventually("both are there", () => all.position() !== undefined && log.watching().length === 2)
      log.publish("decision.AAPL.a", "agent_decision", { decision: "BUY" })
      log.publish("alert.info", "alert", { message: "hello" })
      const seen: Array<AnyEvent> = []
      yield* Effect.promise(async () => {
        for await (const event of all) if (seen.push(event) === 2) break
      })
      assert.deepStrictEqual([decisions, seqs(seen)], [["BUY"], [1, 2]])
      yield* eventually("who stopped iterating has unsubscribed", () => log.watching().length === 1)
    })
  )

  it.live("knows the types of orders, accounts and requests to models too", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const client = yield* open(gateway.port)
      const quantities: Array<number> = []
      const types: Array<"model_call" | "portfolio_update"> = []
      const start = { start: { seq: 1 } } as const
      client.subscribe("order.main.*", start, ({ data }) => quantities.push(data.quantity))
      client.subscribe("model.>", start, ({ type }) => types.push(type))
      client.subscribe("portfolio.*", start, ({ type }) => types.push(type))
      log.publish("order.main.A", "order_update", { quantity: 5 })
      log.publish("model.risk_advisor.A", "model_call", {})
      log.publish("portfolio.main", "portfolio_update", {})
      yield* eventually("all came", () => quantities.length + types.length === 3)
      assert.deepStrictEqual([quantities, types.toSorted()], [[5], ["model_call", "portfolio_update"]])
    })
  )

  it.live("comes back after every drop and goes on where it was, through a restart as well", () =>
    Effect.gen(function* () {
      const way = yield* balancer
      const scope = yield* Scope.make()
      const { log, gateway } = yield* Scope.provide(startGateway(), scope)
      way.setTargets([gateway.port])
      const states: Array<State> = []
      const client = yield* open(way.port, { onState: (state) => states.push(state) })
      const seen: Array<AnyEvent> = []
      const all = client.subscribe("a.*", {}, (event) => seen.push(event))
      yield* eventually("it is subscribed", () => all.position() !== undefined)
      for (let round = 0; round < 5; round++) {
        log.publish("a.b", "t", {})
        way.cut()
        log.publish("a.b", "t", {})
        yield* eventually("it caught up", () => seen.length === 2 * (round + 1))
      }
      assert.deepStrictEqual(states.slice(0, 5), ["connecting", "open", "waiting", "connecting", "open"])
      yield* Scope.close(scope, Exit.void)
      log.publish("a.b", "t", {})
      yield* startGatewayOn(log, { port: gateway.port })
      yield* eventually("it caught up after the restart", () => seen.length === 11)
      assert.deepStrictEqual(seqs(seen), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    })
  )

  it.live("asks the gateway to wait for who iterates slowly, and loses nothing", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const client = yield* open(gateway.port)
      const all = client.subscribe("a.*", { waitingMax: 10 })
      yield* eventually("it is subscribed", () => all.position() !== undefined)
      for (let count = 0; count < 50; count++) log.publish("a.b", "t", {})
      yield* eventually("it has enough", () => log.watching().length === 0)
      assert.strictEqual(all.position(), 10)
      const seen: Array<AnyEvent> = []
      yield* Effect.promise(async () => {
        for await (const event of all) if (seen.push(event) === 50) break
      })
      assert.deepStrictEqual(
        seqs(seen),
        Array.from({ length: 50 }, (_, index) => index + 1)
      )
    })
  )

  it.live("tells what is gone, and answers what is asked", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      for (let count = 0; count < 5; count++) log.publish("a.b", "t", {})
      log.expire(3)
      const client = yield* open(gateway.port)
      const [gaps, seen]: [Array<Gap>, Array<AnyEvent>] = [[], []]
      let caughtUp = 0
      const onCaughtUp = (seq: number) => {
        caughtUp = seq
      }
      const onGap = (gap: Gap) => gaps.push(gap)
      client.subscribe("a.*", { start: { seq: 2 }, onGap, onCaughtUp }, (event) => seen.push(event))
      yield* eventually("it caught up", () => caughtUp === 5)
      assert.deepStrictEqual(gaps, [{ reason: "expired", from: 2, to: 3, count: null }])
      assert.deepStrictEqual(seqs(seen), [4, 5])
      const answer = yield* Effect.promise(() => client.request({ op: "ping" }))
      assert.deepInclude(answer, { op: "ping", ok: true })
      const refused = yield* Effect.promise(() => client.request({ op: "fly" }).catch((error: Error) => error))
      assert.match(String(refused), /GatewayError: `op`/)
      const failures: Array<Error> = []
      client.subscribe("a..b", { onRefused: (error) => failures.push(error) })
      yield* eventually("it is refused for good", () => failures.length === 1)
    })
  )

  it.live("proves who it is, and renews its token before it expires", () =>
    Effect.gen(function* () {
      const secret = "0123456789abcdef0123456789abcdef"
      const { log, gateway } = yield* startGateway({ auth: { secret: Redacted.make(secret) } })
      let given = 0
      const token = () => {
        given++
        return new SignJWT({ patterns: ["a.>"] })
          .setProtectedHeader({ alg: "HS256" })
          .setSubject("ada")
          .setExpirationTime(Math.floor(Date.now() / 1_000) + 3)
          .sign(Buffer.from(secret))
      }
      const states: Array<State> = []
      const client = yield* open(gateway.port, { token, onState: (state) => states.push(state) })
      const seen: Array<AnyEvent> = []
      client.subscribe("a.*", {}, (event) => seen.push(event))
      yield* eventually("the token was renewed", () => given === 2)
      yield* Effect.sleep("700 millis")
      log.publish("a.b", "t", {})
      yield* eventually("it is still connected", () => seen.length === 1)
      assert.deepStrictEqual(states, ["connecting", "open"])
      const stranger: Array<string> = []
      yield* open(gateway.port, { token: "x", onState: (state, reason) => stranger.push(`${state} ${reason}`) })
      yield* eventually("a bad token is the end", () => stranger.includes("closed the token is not one of ours"))
    })
  )
})

describe("the client library, where not all goes well", () => {
  it.live("leaves the others alone where one subscription cannot be served, and asks for it ever more slowly", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway({ limits: { patternsMax: 1 } })
      const states: Array<State> = []
      const client = yield* open(gateway.port, { backoffMillis: [20, 5_000], onState: (state) => states.push(state) })
      const [served, late]: [Array<AnyEvent>, Array<AnyEvent>] = [[], []]
      const refusals: Array<string> = []
      const one = client.subscribe("a.*", {}, (event) => served.push(event))
      yield* eventually("it is served", () => one.position() !== undefined)
      const onRetry = (error: Error) => refusals.push(String(error))
      const two = client.subscribe("b.*", { onRetry }, (event) => late.push(event))
      for (let count = 0; count < 30; count++) {
        log.publish("a.b", "t", {})
        yield* Effect.sleep("20 millis")
      }
      assert.deepStrictEqual(states, ["connecting", "open"])
      assert.strictEqual(served.length, 30)
      assert.include(refusals[0], "GATEWAY_PATTERNS")
      assert.isBelow(refusals.length, 15)
      one.close()
      yield* eventually("the other is served after all", () => two.position() !== undefined)
      log.publish("b.c", "t", {})
      yield* eventually("its event", () => late.length === 1)
      assert.deepStrictEqual(states, ["connecting", "open"])
    })
  )

  it.live("comes back ever more slowly to a gateway that says hello and serves nothing", () =>
    Effect.gen(function* () {
      const stub = yield* stubGateway("none", () => undefined)
      const client = yield* open(stub.port, { backoffMillis: [20, 5_000] })
      client.subscribe("a.*")
      yield* eventually("it came back", () => stub.connections() > 1)
      yield* Effect.sleep("600 millis")
      assert.isBelow(stub.connections(), 15)
    })
  )

  it.live("asks for a token once, whatever its own clock says", () =>
    Effect.gen(function* () {
      const past = new Date(Date.now() - 3_600_000).toISOString()
      const ends: ReadonlyArray<object> = [
        { expires_at: past, expires_in_ms: 600_000 },
        { expires_at: past, expires_in_ms: 0 },
        { expires_at: past }
      ]
      for (const end of ends) {
        const stub = yield* stubGateway("required", ({ op }) => (op === "auth" ? end : {}))
        let given = 0
        const token = () => `token ${++given}`
        const client = yield* open(stub.port, { token })
        yield* Effect.promise(() => client.request({ op: "ping" }))
        yield* Effect.sleep("200 millis")
        assert.strictEqual(given, 1)
      }
    })
  )

  it.live("keeps its connection where a token could not be renewed", () =>
    Effect.gen(function* () {
      const stub = yield* stubGateway("required", ({ op }) => (op === "auth" ? { expires_in_ms: 1_250 } : {}))
      let given = 0
      const token = () => {
        if (++given === 2) throw new Error("the issuer is away")
        return "token"
      }
      const states: Array<State> = []
      yield* open(stub.port, { token, onState: (state) => states.push(state) })
      yield* eventually("it was asked again", () => given === 3)
      assert.deepStrictEqual(states, ["connecting", "open"])
    })
  )
})

describe("a request of the client library", () => {
  it.live("outlives a gateway that is replaced, is asked with the same id, and hears how far it has come", () =>
    Effect.gen(function* () {
      const first = yield* Scope.make()
      const world = yield* startGateway().pipe(Scope.provide(first))
      const client = yield* open(world.gateway.port)
      const stages: Array<unknown> = []
      const request = { op: "analyze", request: { symbol: "A", correlation_id: "c" } }
      const asking = client.request(request, ({ stage }) => stages.push(stage))
      yield* eventually("it was asked", () => world.asked.length === 1)
      yield* Scope.close(first, Exit.void)
      const next = yield* startGateway({ port: world.gateway.port })
      const status = { final_recommendation: "BUY", confidence: 1, consensus_achieved: true, votes: [] }
      const ids = { symbol: "A", consensus_id: "01J00000000000000000000000", correlation_id: "c", missing_agents: [] }
      next.answerWith(() => Effect.succeed({ ...ids, ...status }))
      assert.deepInclude(yield* Effect.promise(() => asking), { ok: true, final_recommendation: "BUY" })
      assert.deepStrictEqual(stages, ["accepted", "accepted"])
      assert.match(world.asked[0]?.options?.messageId ?? "", /^[0-9a-f]{64}$/)
      assert.strictEqual(next.asked[0]?.options?.messageId, world.asked[0]?.options?.messageId)
    })
  )
})
