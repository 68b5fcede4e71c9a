import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import { askClients } from "../../cli/operate/clients.ts"
import { openClientWith, startGateway, subscribe } from "../support/gateway.ts"

const SECRET = "0123456789abcdef0123456789abcdef"

const sign = (claims: Record<string, unknown>) =>
  Effect.promise(() =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ada")
      .setExpirationTime(Math.floor(Date.now() / 1_000) + 60)
      .sign(Buffer.from(SECRET))
  )

describe("conclave clients", () => {
  it.live("tells operators who is connected and subscribed to what, and nobody else", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth: { secret: Redacted.make(SECRET) } })
      const headers = { authorization: `Bearer ${yield* sign({ patterns: ["a.>"] })}` }
      const client = yield* openClientWith(gateway.url, { headers })
      yield* client.next
      yield* subscribe(client, "s", "a.b")
      const token = Redacted.make(yield* sign({ operations: ["clients"] }))
      const [found, ...others] = yield* askClients(gateway.url, token)
      assert.lengthOf(others, 0)
      assert.deepInclude(found, { subject: "ada", patterns: ["a.b"], address: "127.0.0.1" })
      const refused = yield* Effect.flip(askClients(gateway.url, Redacted.make(yield* sign({}))))
      assert.match(refused.message, /does not allow clients/)
      assert.match((yield* Effect.flip(askClients(gateway.url, undefined))).message, /a token or a key is needed/)
      assert.match((yield* Effect.flip(askClients("http://127.0.0.1:1", undefined))).message, /^http/)
    })
  )
})
