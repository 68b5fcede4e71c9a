import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import { parse } from "yaml"
import { GatewayClient } from "../../client/index.ts"
import { conclaveWith, start } from "../support/command.ts"
import { http } from "../support/gateway.ts"
import { real, saw } from "../support/long.ts"
import { deployedCluster } from "../support/nats-cluster.ts"
import { asUser } from "../support/nats-users.ts"

const ROOT = join(import.meta.dirname, "..", "..")
const SECRET = "0123456789abcdef0123456789abcdef"

const Compose = Schema.Struct({
  services: Schema.Record(
    Schema.String,
    Schema.Struct({ command: Schema.Array(Schema.String), environment: Schema.Record(Schema.String, Schema.String) })
  )
})
const { services } = Schema.decodeUnknownSync(Compose)(
  parse(readFileSync(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true })
)

/** What a service is started with there, with what is another one for processes on one machine. */
const environmentOf = (name: string, here: Record<string, string>) => ({
  ...Object.fromEntries(Object.entries(services[name]!.environment).filter(([, value]) => !value.includes("${"))),
  ...here
})

describe("the services of docker-compose.yml as processes", () => {
  it.live(
    "decide on the market that they are fed, for clients with a token, and go on without a node and a server",
    () =>
      real(
        Effect.gen(function* () {
          const cluster = yield* deployedCluster
          const here = {
            NATS_MONITOR_URL: cluster.servers.map(({ monitor }) => monitor).join(","),
            GATEWAY_JWT_SECRET: SECRET,
            HOST: "127.0.0.1",
            PORT: "0",
            METRICS_PORT: ""
          }
          const run = (name: string) => {
            // The user that the compose file says, with the password that the servers have here.
            const [, user = ""] = /^nats:\/\/(\w+):/.exec(services[name]!.environment.NATS_URL ?? "") ?? []
            return start(
              services[name]!.command.filter((word) => !word.includes("${") && word !== "--symbols"),
              environmentOf(name, { ...here, NATS_URL: asUser(cluster.url, user).url })
            )
          }
          const node = yield* run("node-1")
          yield* node.says(/serves actors/)
          yield* (yield* run("node-2")).says(/serves actors/)
          const gateway = yield* run("gateway")
          const address = yield* gateway.says(/gateway on (http:\S+) for/)
          const feed = yield* run("feed")
          yield* feed.says(/feeding ACME/)

          const made = yield* conclaveWith(environmentOf("gateway", here), "token", "ada")
          const token = made.stdout.trim()
          assert.strictEqual(
            (yield* http(Number(new URL(address).port), "/api/v1/agents/status?symbol=ACME")).status,
            401
          )
          let decisions = 0
          const watching = yield* Effect.acquireRelease(
            Effect.sync(() => new GatewayClient({ url: `${address.replace("http", "ws")}/ws`, token })),
            (client) => Effect.sync(() => client.close())
          )
          watching.subscribe("coordination.final_decision.*", { start: "new" }, () => void decisions++)
          const more = (count: number) =>
            Effect.suspend(() => {
              const goal = decisions + count
              return Effect.sync(() => decisions >= goal).pipe(
                Effect.repeat({ until: (reached) => reached, schedule: Schedule.spaced("100 millis") }),
                Effect.timeout("60 seconds")
              )
            })
          yield* more(20)
          const as = (user: string, ...words: ReadonlyArray<string>) =>
            conclaveWith({ NATS_URL: asUser(cluster.url, user).url }, ...words)
          assert.strictEqual((yield* as("viewer", "nodes")).code, 0)
          const paused = yield* as("viewer", "actors", "pause", "coordinator/NOBODY")
          assert.match(paused.stderr, /Permissions Violation for Publish to "conclave\.door\.operate"/)
          assert.strictEqual((yield* as("operator", "actors", "pause", "coordinator/NOBODY")).code, 0)
          yield* node.signal("SIGKILL")
          yield* more(20)
          yield* (yield* cluster.leaderOf("CONCLAVE")).kill
          yield* more(20)
          yield* feed.signal("SIGTERM")
          const { stdout } = yield* feed.ended
          yield* saw(`${decisions} decisions seen; the feed said: ${stdout.trim().split("\n").slice(-3).join("; ")}`)
          assert.match(stdout, /ACME: \d+ bars taken, \d+ joint decisions/)
        })
      )
  )
})
