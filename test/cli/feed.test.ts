import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { conclave, conclaveWith, start } from "../support/command.ts"
import { http } from "../support/gateway.ts"
import { NatsServer, temporaryFolder } from "../support/nats.ts"

const ACME = join(import.meta.dirname, "..", "..", "samples", "ACME.csv")

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" ? (address?.port ?? 0) : 0)))
  })
})

const answerOf = (url: string) =>
  Effect.promise(async () => {
    const answer = await fetch(url)
    return { status: answer.status, text: await answer.text() }
  })

layer(NatsServer.layer, { excludeTestServices: true })(
  "a node, a gateway and a feed as processes of their own",
  (it) => {
    it.effect(
      "decide on a market; the feed tells what became of its bars, and goes on after the last one",
      () =>
        Effect.gen(function* () {
          const { url } = yield* NatsServer
          const folder = yield* temporaryFolder
          const lines = readFileSync(ACME, "utf8").split("\n")
          const csv = (count: number) => {
            const file = join(folder, `${count}.csv`)
            writeFileSync(file, `${lines.slice(0, count + 1).join("\n")}\n`)
            return file
          }
          const [nodePort, gatewayPort] = [yield* freePort, yield* freePort]
          const node = yield* start(["node", "--nats", url], { METRICS_PORT: String(nodePort) })
          yield* node.says(/serves actors/)
          const gateway = yield* start(["gateway", "--nats", url, "--port", "0"], { METRICS_PORT: String(gatewayPort) })
          yield* gateway.says(/gateway on/)
          const feed = (count: number) =>
            conclaveWith({ NATS_URL: url }, "feed", "--csv", csv(count), "--symbol", "ACME", "--speed", "1000")

          const first = yield* feed(12)
          assert.deepStrictEqual([first.code, first.stderr], [0, ""])
          const [, taken, decided, rest = "0"] =
            /ACME: (\d+) bars taken, (\d+) joint decisions(?:; (\d+) came while one was being made)?/.exec(
              first.stdout
            ) ?? []
          assert.strictEqual(Number(taken), 12)
          assert.isAbove(Number(decided), 0)
          assert.strictEqual(Number(decided) + Number(rest), 12)
          assert.match(
            (yield* feed(12)).stdout,
            /ACME: no bar is newer than that\nACME: 0 bars taken, 0 joint decisions\n$/
          )
          assert.match((yield* feed(17)).stdout, /ACME: 5 bars taken/)

          for (const port of [nodePort, gatewayPort]) {
            const ready = yield* answerOf(`http://127.0.0.1:${port}/readyz`)
            assert.deepStrictEqual(ready, { status: 200, text: "ready\n" })
            const misled = yield* http(port, "/metrics", { headers: { host: `rebound.example:${port}` } })
            assert.strictEqual(misled.status, 421)
          }
          const metrics = yield* Effect.forEach([nodePort, gatewayPort], (port) =>
            answerOf(`http://127.0.0.1:${port}/metrics`)
          )
          assert.match(metrics[0]!.text, /^conclave_commits_total\S* \d+/m)
          assert.match(metrics[1]!.text, /^conclave_gateway_connections 0$/m)
        }).pipe(Effect.scoped),
      60_000
    )

    it.effect("ends when its time is over, and tells a system that has no node from one that has", () =>
      Effect.gen(function* () {
        const { url } = yield* NatsServer
        const waiting = yield* conclaveWith(
          { NATS_URL: url, CONCLAVE_NAMESPACE: "empty" },
          ...["feed", "--symbols", "ACME", "--for", "4s"]
        )
        assert.strictEqual(waiting.code, 0)
        assert.match(waiting.stdout, /ACME: waiting for a node to answer\nACME: 0 bars taken, 0 joint decisions\n$/)
        const nowhere = yield* conclave("feed")
        assert.deepInclude(nowhere, { code: 1, stderr: "conclave: NATS_URL=: must be set, or --nats given\n" })
      })
    )
  }
)
