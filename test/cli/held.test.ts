import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { fromRecord } from "../../cli/config.ts"
import { actors } from "../../cli/operate/actors.ts"
import { ActorLog, Controls, type Pause } from "../../runtime/index.ts"
import { menderSystem, owner, tell } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

const root = Command.make("conclave").pipe(Command.withSubcommands([actors]))

/** What the command prints on a namespace of the test's server, or why it fails. */
const run = (namespace: string, ...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { url } = yield* NatsServer
    const printed: Array<string> = []
    const console: Console.Console = { ...globalThis.console, log: (text) => void printed.push(text) }
    yield* Command.runWith(root, { version: "0" })(["actors", ...args]).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provide([NodeServices.layer, fromRecord({ NATS_URL: url, CONCLAVE_NAMESPACE: namespace })]),
      Effect.catch((error) => Effect.sync(() => printed.push(error instanceof Error ? error.message : String(error))))
    )
    return printed.join("\n")
  })

const failed = (id: string): Pause => ({
  target: { kind: "actor", address: { type: "mender", id } },
  by: "runtime",
  cause: "Missing key",
  since: 1
})

layer(NatsServer.layer, { excludeTestServices: true })("conclave actors", (it) => {
  it.effect("resume lets go on all of a type that the runtime paused, and says how many", () =>
    Effect.gen(function* () {
      const controls = yield* Controls
      for (const id of ["a", "b", "c"]) yield* controls.pause(failed(id))
      assert.strictEqual(yield* run("many", "resume", "mender/a"), "mender/a goes on")
      assert.strictEqual(
        yield* run("many", "resume", "mender"),
        "type mender was not paused; 2 actors that the runtime had paused go on"
      )
      assert.strictEqual(yield* run("many", "resume", "--all"), "everything was not paused")
      yield* controls.pause(failed("d"))
      assert.strictEqual(
        yield* run("many", "resume", "--all"),
        "everything was not paused; 1 actor that the runtime had paused goes on"
      )
    }).pipe(Effect.provide(operatorsOf("many")))
  )

  it.effect("resume says of an actor that is paused again at once that it is, and why", () =>
    Effect.gen(function* () {
      const log = yield* ActorLog
      yield* log.append([
        { kind: "journal", owner: owner("x"), payload: "rubbish", snapshot: false, truncate: false, expected: 0 }
      ])
      yield* tell("x", "a")
      yield* Effect.sleep("1 second")
      assert.match(
        yield* run("again", "resume", "mender/x"),
        /^mender\/x goes on; the runtime has paused it again: the journal is corrupt: /
      )
    }).pipe(Effect.provide(menderSystem("again", new Set())))
  )

  it.effect("drop says what it would do, and with --yes does it to who is paused", () =>
    Effect.gen(function* () {
      yield* tell("x", "a")
      yield* Effect.sleep("1 second")
      assert.match(yield* run("dropping", "drop", "mender/x", "--yes"), /^mender\/x is at work: pause it first/)
      yield* run("dropping", "pause", "mender/x")
      yield* tell("x", "b", "c")
      const ahead = "2 messages of 1 actor would be dropped: say --yes to do it"
      assert.strictEqual(yield* run("dropping", "drop", "mender/x"), ahead)
      assert.strictEqual(
        yield* run("dropping", "drop", "mender", "--yes"),
        "dropped 2 messages of 1 actor into the dead letters"
      )
      assert.strictEqual(
        yield* run("dropping", "drop", "mender/x"),
        "0 messages of 0 actors would be dropped: say --yes to do it"
      )
    }).pipe(Effect.provide(menderSystem("dropping", new Set())))
  )
})
