import { readFileSync } from "node:fs"
import { get } from "node:https"
import { join } from "node:path"
import { connect, type TLSSocket } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually, startGateway, upgradeText } from "../support/gateway.ts"

const FOLDER = join(import.meta.dirname, "../support/tls")
const tls = { certificate: join(FOLDER, "certificate.pem"), key: join(FOLDER, "key.pem") }
const ca = readFileSync(tls.certificate)

describe("a gateway with a certificate", () => {
  it.live("speaks TLS on its port: HTTP and WebSocket", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway({ tls })
      assert.strictEqual(gateway.url, `https://127.0.0.1:${gateway.port}`)
      const status = yield* Effect.callback<number | undefined>((resume) => {
        get(`${gateway.url}/healthz`, { ca, agent: false }, ({ statusCode }) => resume(Effect.succeed(statusCode)))
      })
      assert.strictEqual(status, 200)
      const socket = yield* Effect.acquireRelease(
        Effect.callback<TLSSocket>((resume) => {
          const made = connect({ host: "127.0.0.1", port: gateway.port, ca }, () => resume(Effect.succeed(made)))
        }),
        (made) => Effect.sync(() => made.destroy())
      )
      let received = ""
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1")
      })
      socket.write(upgradeText())
      yield* eventually("a welcome", () => received.includes('"welcome"'))
    })
  )
})
