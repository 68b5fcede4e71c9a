import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import type { State } from "../../client/index.ts"
import { startGateway } from "../support/gateway.ts"
import { type Operation, open, stubGateway } from "../support/gateway-client.ts"

describe("the token of the client library", () => {
  const secret = "0123456789abcdef0123456789abcdef"
  const auth = { secret: Redacted.make(secret) }
  const tokenOf = (patterns: ReadonlyArray<string>) => () =>
    new SignJWT({ patterns })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ada")
      .setExpirationTime("1m")
      .sign(Buffer.from(secret))

  it.live("goes with the handshake, so that strangers who take all that is for them keep it out of nothing", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth, limits: { handshakesPerSecond: 0.001 } })
      for (const token of [tokenOf(["a.>"]), yield* Effect.promise(tokenOf(["a.>"]))]) {
        const states: Array<string> = []
        const onState = (state: State, reason: string) => states.push(`${state} ${reason}`)
        const client = yield* open(gateway.port, { token, onState })
        assert.deepInclude(yield* Effect.promise(() => client.request({ op: "ping" })), { ok: true })
        assert.deepStrictEqual(states, ["connecting ", "open "])
      }
    })
  )

  it.live("goes in the first frame where it is too long for a header", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth, limits: { handshakesPerSecond: 1 } })
      const patterns = Array.from({ length: 200 }, (_, index) => `decision.SYMBOL${index}.*`)
      const states: Array<State> = []
      const client = yield* open(gateway.port, { token: tokenOf(patterns), onState: (state) => states.push(state) })
      assert.deepInclude(yield* Effect.promise(() => client.request({ op: "ping" })), { ok: true })
      assert.deepStrictEqual(states, ["connecting", "open"])
    })
  )

  it.live("is told again to a gateway that takes none with the handshake, or hangs up on it", () =>
    Effect.gen(function* () {
      for (const takes of [true, false]) {
        const tokens: Array<unknown> = []
        const answers = (operation: Operation) => {
          if (operation.op === "auth") tokens.push(operation.token)
          return {}
        }
        const stub = yield* stubGateway("required", answers, takes)
        const client = yield* open(stub.port, { token: "secret" })
        assert.deepInclude(yield* Effect.promise(() => client.request({ op: "ping" })), { ok: true })
        assert.deepStrictEqual(tokens, ["secret"])
      }
    })
  )
})
