import { createHash, createHmac } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { openClient, startGateway } from "../support/gateway.ts"
import { temporaryFolder } from "../support/nats.ts"

const SECRET = "0123456789abcdef0123456789abcdef"

/** A token with claims as they are written. */
const signText = (claims: string): string => {
  const text = ['{"alg":"HS256"}', claims].map((part) => Buffer.from(part).toString("base64url")).join(".")
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`
}

describe("a client", () => {
  it.live("is refused, and answered, whatever `exp` and `sub` of its token are", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ auth: { secret: Redacted.make(SECRET) } })
      const soon = Math.floor(Date.now() / 1_000) + 60
      const now = soon - 60
      const odd: ReadonlyArray<readonly [claims: object, reason: RegExp]> = [
        ...[1e300, Number.POSITIVE_INFINITY, soon + 0.5, String(soon), [soon], null, true].map(
          (exp) => [{ sub: "ada", exp }, /`exp`/] as const
        ),
        ...[-1, 0, now - 60].map((exp) => [{ sub: "ada", exp }, /expired|`exp`/] as const),
        ...["", "key:desk", "a\nb", "\u202ea", " a", "x".repeat(129), 7, null, ["ada"], { a: 1 }, true].map(
          (sub) => [{ sub, exp: soon }, /`sub`/] as const
        )
      ]
      const client = yield* openClient(gateway.url)
      for (const [claims, reason] of odd) {
        // Neither of these is JSON that a library would write.
        const text = JSON.stringify({ ...claims, patterns: [">"] }).replace('"exp":null', '"exp":1e999')
        const { data } = yield* client.call({ op: "auth", id: "a", token: signText(text) })
        assert.deepInclude(data, { id: "a", code: "unauthorized" }, text)
        assert.match(JSON.stringify(data), reason, text)
      }
      const token = signText(JSON.stringify({ sub: "desk 7, São Paulo", exp: 1e13 }))
      const { data } = yield* client.call({ op: "auth", id: "a", token })
      assert.deepInclude(data, { ok: true, subject: "desk 7, São Paulo" })
    })
  )

  it.live("is refused with a key that could be found by trying, though the gateway has its hash", () =>
    Effect.gen(function* () {
      const keysFile = join(yield* temporaryFolder, "keys.json")
      const hashOf = (key: string) => createHash("sha256").update(key).digest("hex")
      const keys = ["ck_a", `ck_${"a".repeat(31)}`, `ck_${"a".repeat(32)}`]
      writeFileSync(keysFile, JSON.stringify(keys.map((key, index) => ({ name: `k${index}`, sha256: hashOf(key) }))))
      const { gateway } = yield* startGateway({ auth: { keysFile } })
      const client = yield* openClient(gateway.url)
      for (const [index, token] of keys.entries()) {
        const { data } = yield* client.call({ op: "auth", id: "a", token })
        if (index === 2) assert.deepInclude(data, { ok: true, subject: "key:k2" })
        else assert.match(JSON.stringify(data), /"unauthorized".*at least 35 characters/)
      }
    }).pipe(Effect.scoped)
  )
})
