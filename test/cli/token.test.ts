import { generateKeyPairSync } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { decodeJwt } from "jose"
import { conclaveWith, type Ended } from "../support/command.ts"
import { openClientWith, startGateway } from "../support/gateway.ts"
import { endedInProcess } from "../support/in-process.ts"
import { temporaryFolder } from "../support/nats.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const env = { GATEWAY_JWT_SECRET: SECRET }

const printed = ({ code, stdout, stderr }: Ended): string => {
  assert.deepStrictEqual([code, stderr], [0, ""])
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, "the token alone")
  return stdout.trim()
}

describe("conclave token", () => {
  it.live("prints a token that the gateway takes: it sees everything and may analyze, for an hour", () =>
    Effect.gen(function* () {
      const token = printed(yield* conclaveWith(env, "token", "ada"))
      const { exp = 0, iat = 0 } = decodeJwt(token)
      assert.strictEqual(exp - iat, 3_600)
      const { gateway } = yield* startGateway({ auth: { secret: Redacted.make(SECRET) } })
      const client = yield* openClientWith(gateway.url, { headers: { authorization: `Bearer ${token}` } })
      assert.deepInclude((yield* client.next).data, { ok: true, subject: "ada" })
      assert.strictEqual((yield* client.call({ op: "subscribe", id: "s", pattern: ">" })).type, "subscribed")
      const message = { op: "message", id: "1", message: { symbol: "ACME", text: "look" } }
      assert.deepInclude((yield* client.call(message)).data, { code: "forbidden" })
    })
  )

  it.live("says what it is told to: patterns, operations, lifetime, issuer, audience", () =>
    Effect.gen(function* () {
      const args = ["--patterns", "decision.>, alert.*", "--operations", "feed", "--lifetime", "30d"]
      const named = { ...env, GATEWAY_JWT_ISSUER: "desk", GATEWAY_JWT_AUDIENCE: "conclave" }
      const { exp = 0, iat = 0, ...claims } = decodeJwt(printed(yield* conclaveWith(named, "token", "ada", ...args)))
      assert.strictEqual(exp - iat, 30 * 86_400)
      const allowed = { patterns: ["decision.>", "alert.*"], operations: ["feed"] }
      assert.deepStrictEqual(claims, { ...allowed, sub: "ada", iss: "desk", aud: "conclave" })
    })
  )

  it.live("signs with a private key, for gateways that have the public one", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { publicKey, privateKey } = generateKeyPairSync("ed25519")
      const [own, known] = [join(folder, "own.pem"), join(folder, "known.pem")]
      writeFileSync(own, privateKey.export({ type: "pkcs8", format: "pem" }))
      writeFileSync(known, publicKey.export({ type: "spki", format: "pem" }))
      const token = printed(yield* conclaveWith({}, "token", "ada", "--key", own))
      const { gateway } = yield* startGateway({ auth: { publicKeyFile: known } })
      const client = yield* openClientWith(gateway.url, { headers: { authorization: `Bearer ${token}` } })
      assert.deepInclude((yield* client.next).data, { ok: true, subject: "ada" })
      const small = join(folder, "small.pem")
      const rsa = generateKeyPairSync("rsa", { modulusLength: 1_024 })
      writeFileSync(small, rsa.privateKey.export({ type: "pkcs8", format: "pem" }))
      for (const [file, reason] of [
        [small, /must be of RSA with at least 2048 bits/],
        [known, /cannot be read as a private key in PEM/]
      ] as const) {
        const refused = yield* endedInProcess({}, "token", "ada", "--key", file)
        assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
        assert.match(refused.stderr, reason)
      }
    })
  )

  it.live("refuses a secret that is none or weak, and words that it does not know, and repeats no secret", () =>
    Effect.gen(function* () {
      const none = yield* endedInProcess({}, "token", "ada")
      assert.deepStrictEqual([none.code, none.stdout], [1, ""])
      assert.match(none.stderr, /^conclave: GATEWAY_JWT_SECRET=: must be set/)
      const weak = yield* endedInProcess({ GATEWAY_JWT_SECRET: "hunter2" }, "token", "ada")
      const rule = "conclave: GATEWAY_JWT_SECRET=***: must be at least 32 characters\n"
      assert.deepStrictEqual(weak, { code: 1, stdout: "", stderr: rule })
      for (const [flag, value] of [
        ["--patterns", "a..b"],
        ["--operations", "everything"],
        ["--lifetime", "10y"],
        ["--lifetime", "367d"]
      ] as const) {
        const refused = yield* endedInProcess(env, "token", "ada", flag, value)
        assert.deepStrictEqual([refused.code === 0, refused.stdout.includes("eyJ")], [false, false], `${flag} ${value}`)
        assert.include(refused.stderr, "must be")
      }
    })
  )
})
