import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { connect, headers } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import { embeddedNats } from "../../server/nats-server.ts"
import { conclaveWith, dataFolder, serverOn, start } from "../support/command.ts"
import { CounterProtocol } from "../support/counter.ts"
import { allOf, client, countOf, durableServer, node, real, saw } from "../support/long.ts"
import { manage } from "../support/manage.ts"

const ACTORS = 60
const MESSAGES = 1_000_000
/** Fewer than a stream lets wait: what is more, it drops. */
const PAGE = 5_000
const LARGE = 1_000

describe("what the server has stored", () => {
  it.live("is an older backup under running processes: nothing that was accepted is lost", () =>
    real(
      Effect.gen(function* () {
        const server = yield* durableServer()
        const first = yield* node(server.url, "a")
        const second = yield* node(server.url, "b")
        const before = yield* client(server.url)
        const ask = (index: number) =>
          before.ask(CounterProtocol, `x${index}`, "Add", { n: 1 }, { timeout: "8 seconds" })
        assert.strictEqual(yield* allOf(ACTORS, 20, ask), ACTORS)
        yield* server.stop
        cpSync(server.store, `${server.store}-backup`, { recursive: true })
        yield* server.start
        for (let round = 0; round < 3; round++) assert.strictEqual(yield* allOf(ACTORS, 20, ask), ACTORS)
        yield* Effect.sleep("3 seconds")
        yield* server.stop
        rmSync(server.store, { recursive: true })
        cpSync(`${server.store}-backup`, server.store, { recursive: true })
        yield* server.start
        yield* Effect.sleep("6 seconds")
        const told: Array<number> = []
        const tell = (index: number) =>
          before
            .tell(CounterProtocol, `x${index}`, "Add", { n: LARGE })
            .pipe(Effect.tap(() => Effect.sync(() => told.push(index))))
        yield* countOf(ACTORS, tell)
        // As one does it who is told to restart them: one after the other.
        yield* first.stop
        yield* node(server.url, "a2")
        yield* Effect.sleep("4 seconds")
        yield* countOf(ACTORS, tell)
        yield* second.stop
        yield* node(server.url, "b2")
        const after = yield* client(server.url)
        const get = (index: number) => after.ask(CounterProtocol, `x${index}`, "Get", {}, { timeout: "8 seconds" })
        assert.strictEqual(yield* allOf(ACTORS, 40, get), ACTORS)
        const sums = yield* Effect.forEach(
          Array.from({ length: ACTORS }, (_, index) => index),
          get
        )
        const due = sums.map((_, index) => told.filter((each) => each === index).length)
        yield* saw(`${told.length} of ${2 * ACTORS} tells were accepted while the log was another one`)
        for (const [index, sum] of sums.entries()) assert.strictEqual(Math.floor(sum / LARGE), due[index], `x${index}`)
      })
    )
  )

  it.live("is a million messages that were not saved in order: conclave up waits until they are read", () =>
    real(
      Effect.gen(function* () {
        const folder = yield* dataFolder
        const made = yield* conclaveWith({}, "up", "--port", "0", "--data", folder, "--symbols", "ACME", "--for", "3s")
        assert.strictEqual(made.code, 0, made.stderr)
        const messages = yield* fill(folder)
        const began = performance.now()
        const system = yield* start(["up", "--port", "0", "--data", folder, "--symbols", "ACME"])
        yield* Effect.sync(() => /ACME {2,}\S/.test(system.stdout())).pipe(
          Effect.repeat({ until: (runs) => runs, schedule: Schedule.spaced("100 millis") }),
          Effect.timeout("2 minutes")
        )
        const seconds = (performance.now() - began) / 1_000
        yield* saw(`${messages} messages: decides ${seconds.toFixed(1)} s after its start; ${system.stderr().trim()}`)
        assert.isAtLeast(messages, MESSAGES)
        assert.isDefined(serverOn(folder))
      })
    )
  )
})

/** Events and journals like those of the product, on a server that is killed before it has saved what it knows of them. */
const fill = (folder: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { url, pid } = yield* embeddedNats({ dataDir: folder, syncInterval: "2m" })
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => connect({ servers: url })),
        (open) => Effect.promise(() => open.close())
      )
      const lasting = headers()
      lasting.set("Nats-TTL", "604800s")
      const body = JSON.stringify({ type: "agent_decision", data: { symbol: "ACME", reasoning: "x".repeat(120) } })
      for (let done = 0; done < MESSAGES; done += PAGE) {
        for (let index = done; index < done + PAGE; index++) {
          if (index % 6 === 0) connection.publish(`conclave.journal.consensus.r${index}`, body)
          else connection.publish(`conclave.event.decision.SYM${index % 500}.a`, body, { headers: lasting })
        }
        // The answer comes once all before it is stored.
        yield* Effect.promise(() =>
          connection.request("conclave.event.decision.SYM0.a", body, { headers: lasting, timeout: 30_000 })
        )
      }
      const counting = manage(url, async (manager) => (await manager.streams.info("CONCLAVE")).state.messages)
      const messages = yield* counting.pipe(
        Effect.repeat({ until: (count) => count >= MESSAGES, schedule: Schedule.spaced("500 millis") }),
        Effect.timeout("2 minutes")
      )
      process.kill(pid, "SIGKILL")
      rmSync(join(folder, "nats", "store", "jetstream", "$G", "streams", "CONCLAVE", "msgs", "index.db"), {
        force: true
      })
      return messages
    })
  )
