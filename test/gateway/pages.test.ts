import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { eventually, http, startGateway } from "../support/gateway.ts"
import { temporaryFolder } from "../support/nats.ts"

const ROOT = join(import.meta.dirname, "../..")
const EXAMPLES = join(ROOT, "client/examples")

/** A program of Node until the scope closes; `output` is what it printed so far. */
const run = (args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, ["--no-warnings", ...args])),
      (child) => Effect.sync(() => child.kill())
    ),
    (child) => {
      let output = ""
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk: Buffer) => {
          output += chunk.toString()
        })
      }
      return () => output
    }
  )

const decision = { symbol: "AAPL", agent_type: "risk_advisor", decision: "BUY", confidence: 0.5 }

describe("the examples of the client library", () => {
  it.live("show decisions in Node, in less than 30 lines", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      log.publish("decision.AAPL.risk_advisor", "agent_decision", decision)
      const address = `ws://127.0.0.1:${gateway.port}/ws`
      const output = yield* run([join(EXAMPLES, "watch.ts"), address, "AAPL"])
      yield* eventually("it shows the last one", () => output().includes("1 AAPL risk_advisor BUY 0.50"))
      log.publish("decision.AAPL.risk_advisor", "agent_decision", decision)
      yield* eventually("it shows the next one", () => output().includes("2 AAPL risk_advisor BUY 0.50"))
      for (const name of ["watch.ts", "page.html"]) {
        assert.isBelow(readFileSync(join(EXAMPLES, name), "utf8").split("\n").length, 30)
      }
    })
  )

  it.live("find the library on the gateway, as modules that a browser can run", () =>
    Effect.gen(function* () {
      const { log, gateway } = yield* startGateway()
      const folder = yield* temporaryFolder
      const page = yield* http(gateway.port, "/example")
      assert.match(page.text, /import \{ GatewayClient \} from "\/client\/index.js"/)
      for (const name of ["backoff", "client", "credential", "events", "index", "link", "subscription"]) {
        const served = yield* http(gateway.port, `/client/${name}.ts`)
        assert.strictEqual(served.headers["content-type"], "text/javascript")
        writeFileSync(join(folder, `${name}.mjs`), served.text.replace(/(from "\.\/\w+)\.ts"/g, '$1.mjs"'))
      }
      const main = join(folder, "main.mjs")
      writeFileSync(
        main,
        `import { GatewayClient } from "./index.mjs"
const client = new GatewayClient({ url: "ws://127.0.0.1:${gateway.port}/ws" })
client.subscribe("a.*", { start: { seq: 1 } }, ({ seq }) => console.log("got", seq))`
      )
      log.publish("a.b", "t", {})
      const output = yield* run([main])
      yield* eventually("it gets the event", () => output().includes("got 1"))
    }).pipe(Effect.scoped)
  )

  it.live("find it as .js, too, with modules that import one another as such", () =>
    Effect.gen(function* () {
      const { gateway } = yield* startGateway()
      for (const ending of ["ts", "js"]) {
        const served = yield* http(gateway.port, `/client/client.${ending}`)
        assert.strictEqual(served.headers["content-type"], "text/javascript")
        assert.include(served.text, `from "./link.${ending}"`)
        assert.notInclude(served.text, "implements")
      }
    })
  )

  it.live("may be imported by pages of allowed origins, and of no other", () =>
    Effect.gen(function* () {
      const allowed = "https://desk.example"
      const { gateway } = yield* startGateway({ allowedOrigins: [allowed] })
      const from = (origin: string) =>
        Effect.map(
          http(gateway.port, "/client/index.ts", { headers: { origin } }),
          ({ headers }) => headers["access-control-allow-origin"]
        )
      assert.deepStrictEqual([yield* from(allowed), yield* from("https://other.example")], [allowed, undefined])
    })
  )
})
