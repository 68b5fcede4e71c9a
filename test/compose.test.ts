import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { parse } from "yaml"
import { settings } from "../cli/config.ts"
import { modelSettings } from "../cli/config-models.ts"
import { findNatsServer } from "../setup/nats-server.mjs"
import { conclave } from "./support/command.ts"
import { temporaryFolder } from "./support/nats.ts"
import { PASSWORDS } from "./support/nats-users.ts"

const ROOT = join(import.meta.dirname, "..")

const Service = Schema.Struct({
  image: Schema.String,
  command: Schema.Array(Schema.String),
  environment: Schema.Record(Schema.String, Schema.String),
  ports: Schema.optionalKey(Schema.Array(Schema.String)),
  volumes: Schema.optionalKey(Schema.Array(Schema.String)),
  healthcheck: Schema.Struct({
    test: Schema.optionalKey(Schema.Array(Schema.String)),
    disable: Schema.optionalKey(Schema.Boolean)
  }),
  extra_hosts: Schema.optionalKey(Schema.Array(Schema.String))
})
const Compose = Schema.Struct({ services: Schema.Record(Schema.String, Service) })

const { services } = Schema.decodeUnknownSync(Compose)(
  parse(readFileSync(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true })
)
const ours = Object.entries(services).filter(([, { image }]) => image === "conclave")
const known = new Set([...Object.values(settings), ...Object.values(modelSettings)].map(({ variable }) => variable))

describe("docker-compose.yml", () => {
  it("has three servers, two nodes, a gateway, and a feed", () => {
    const servers = Object.entries(services).filter(([, { image }]) => image.startsWith("nats:"))
    assert.deepStrictEqual(
      servers.map(([name, { environment }]) => [name, environment.SERVER_NAME]),
      [1, 2, 3].map((each) => [`nats-${each}`, `nats-${each}`])
    )
    assert.deepStrictEqual(
      ours.map(([, { command }]) => command[0]),
      ["node", "node", "gateway", "feed"]
    )
    const config = readFileSync(join(ROOT, "docker/nats-cluster.conf"), "utf8")
    for (const [name, { volumes }] of servers) {
      assert.include(config, `nats://${name}:6222`)
      assert.include([...(volumes ?? [])], `${name}:/data`)
    }
    assert.include(config, "sync_interval: always")
  })

  it("gives servers users with the rights that nats.conf shows, and each process one of them", () => {
    const shown = readFileSync(join(ROOT, "nats.conf"), "utf8")
    const users = readFileSync(join(ROOT, "docker/nats-users.conf"), "utf8")
    const [block = ""] = /^# authorization \{$.*?^# \}$/ms.exec(shown) ?? []
    assert.include(users, block.replace(/^# ?/gm, ""))
    assert.include(readFileSync(join(ROOT, "docker/nats-cluster.conf"), "utf8"), 'include "./nats-users.conf"')
    for (const { environment, volumes = [], image } of Object.values(services)) {
      if (!image.startsWith("nats:")) continue
      for (const [, name = ""] of users.matchAll(/password: \$(\w+)/g)) assert.property(environment, name)
      assert.include(volumes.join(), "./docker/nats-users.conf:/etc/nats/nats-users.conf:ro")
    }
    for (const [, { command, environment }] of ours) {
      const user = command[0] === "node" ? "node" : "gateway"
      assert.match(environment.NATS_URL ?? "", new RegExp(`^nats://${user}:\\$\\{${user.toUpperCase()}_PASSWORD:`))
    }
  })

  it.live("has configurations that nats-server takes", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { path = "nats-server" } = findNatsServer({ name: process.env.NATS_SERVER })
      for (const file of ["nats.conf", "docker/nats-cluster.conf"]) {
        const env = { ...PASSWORDS, SERVER_NAME: "one" }
        const { status, stderr } = spawnSync(path, ["-t", "-c", join(ROOT, file)], {
          cwd: folder,
          env,
          encoding: "utf8"
        })
        assert.strictEqual(status, 0, stderr)
        for (const line of ['ping_interval: "10s"', "ping_max: 2"]) {
          assert.include(readFileSync(join(ROOT, file), "utf8"), line)
        }
      }
    }).pipe(Effect.scoped)
  )

  it("sets only variables that the command reads, to values that it takes", () => {
    for (const [name, { environment }] of ours) {
      for (const [variable, text] of Object.entries(environment)) {
        assert.isTrue(known.has(variable), `${name}: ${variable}`)
        const spec = Object.values({ ...settings, ...modelSettings }).find((each) => each.variable === variable)!
        // What stands there where the machine that starts it has nothing of the name.
        const value = text.replace(/^\$\{\w+:-(.*)\}$/, "$1")
        if (value === "" || text.includes(":?")) continue
        assert.isTrue(Schema.decodeUnknownOption(spec.schema)(value)._tag === "Some", `${name}: ${variable}=${value}`)
      }
    }
  })

  it("lets nobody start on servers that could lose what they confirmed", () => {
    for (const [, { environment }] of ours) {
      assert.strictEqual(environment.CONCLAVE_DURABILITY, "strict")
      assert.lengthOf(environment.NATS_MONITOR_URL?.split(",") ?? [], 3)
      assert.strictEqual(environment.CONCLAVE_REPLICAS, "3")
    }
  })

  it("publishes every port on loopback only, each once", () => {
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports)
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/)
    assert.strictEqual(new Set(ports.map((port) => port.split(":")[1])).size, ports.length)
  })

  it("looks after the health of each, on a port that it has", () => {
    for (const [name, { command, environment, healthcheck }] of Object.entries(services)) {
      if (command[0] === "feed") continue
      const test = healthcheck.test?.join(" ") ?? ""
      const port = environment.METRICS_PORT ?? "8222"
      assert.include(test, `http://127.0.0.1:${port}/`, name)
    }
  })

  it("finds an Ollama of the machine, and not of the container", () => {
    for (const [, { command, environment, extra_hosts = [] }] of ours) {
      if (command[0] !== "node") continue
      assert.match(environment.OLLAMA_BASE_URL ?? "", /:-http:\/\/host\.docker\.internal:11434\}$/)
      assert.deepStrictEqual(extra_hosts, ["host.docker.internal:host-gateway"])
    }
  })

  it.live("starts commands that there are, with words that they take", () =>
    Effect.gen(function* () {
      const help = yield* Effect.forEach(ours, ([, { command }]) => conclave(command[0]!, "--help"), { concurrency: 2 })
      for (const [index, { code, stdout }] of help.entries()) {
        assert.strictEqual(code, 0)
        for (const word of ours[index]![1].command.filter((each) => each.startsWith("--"))) assert.include(stdout, word)
      }
    })
  )
})
