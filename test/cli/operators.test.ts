import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it, layer } from "@effect/vitest"
import { Cause, Clock, Console, Effect, Exit, Schema } from "effect"
import { Command } from "effect/cli"
import { fromRecord } from "../../cli/config.ts"
import { actors } from "../../cli/operate/actors.ts"
import { dead } from "../../cli/operate/dead.ts"
import { nodes } from "../../cli/operate/nodes.ts"
import { durationText, plain, table } from "../../cli/table.ts"
import { ActorLog, Actors, Operators } from "../../runtime/index.ts"
import { conclave, conclaveWith, dataFolder, type Ended, start } from "../support/command.ts"
import { endedInProcess } from "../support/in-process.ts"
import { lettersOf, MenderProtocol, menderSystem, notesOf, owner, tell } from "../support/mender.ts"
import { NatsServer } from "../support/nats.ts"
import { operatorsOf } from "../support/operators.ts"

const decodeJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Unknown))

const root = Command.make("conclave").pipe(Command.withSubcommands([actors, dead, nodes]))

/** The command on a namespace of the test's server, in this process: a process for every line would take a minute. */
const on =
  (namespace: string) =>
  (...args: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const printed: Array<string> = []
      const console: Console.Console = { ...globalThis.console, log: (text) => void printed.push(`${text}\n`) }
      const exit = yield* Command.runWith(root, { version: "0" })(args).pipe(
        Effect.provideService(Console.Console, console),
        Effect.provide([NodeServices.layer, fromRecord({ NATS_URL: url, CONCLAVE_NAMESPACE: namespace })]),
        Effect.exit
      )
      const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      const stderr = failure instanceof Error ? `conclave: ${failure.message}\n` : ""
      return { code: failure === undefined ? 0 : 1, stdout: printed.join(""), stderr }
    })

/** It succeeded, and said exactly this. */
const assertSaid = (ended: Ended, text: string) =>
  assert.deepStrictEqual(ended, { code: 0, stdout: `${text}\n`, stderr: "" })

const assertMatches = (ended: Ended, pattern: RegExp) => {
  assert.deepStrictEqual([ended.code, ended.stderr], [0, ""])
  assert.match(ended.stdout, pattern)
}

/** It failed, and said so in one sentence. */
const assertFailed = (ended: Ended, sentence: string) =>
  assert.deepStrictEqual(ended, { code: 1, stdout: "", stderr: `conclave: ${sentence}\n` })

layer(NatsServer.layer, { excludeTestServices: true })("conclave actors", (it) => {
  const run = on("watched")
  it.effect("lists, inspects, pauses and resumes actors, for people and for programs", () =>
    Effect.gen(function* () {
      const all = yield* Actors
      for (const id of ["x", "y"]) yield* all.ask(MenderProtocol, id, "Note", { text: "a" })
      assertSaid(yield* run("actors", "list"), "ACTOR     RECORDS\nmender/x        1\nmender/y        1")
      assertSaid(
        yield* run("actors", "list", "mender", "--max", "1"),
        "ACTOR     RECORDS\nmender/x        1\n… and more: --after mender/x"
      )
      const listed = yield* run("actors", "list", "--after", "mender/x", "--json")
      assert.deepStrictEqual(decodeJson(listed.stdout), [{ type: "mender", id: "y", records: 1 }])
      const inspected = yield* run("actors", "inspect", "mender/x")
      assertMatches(inspected, /^mender\/x\n {2}consumed {4}messages up to sequence \d+\n {2}waiting {5}nothing\n/)
      assert.match(inspected.stdout, /notes: \[ 'a' \]/)
      assert.match(inspected.stdout, /RECORD +MAIL +STORED +MESSAGE +EVENTS\n +\d+ +\d+ +\S+ +Note +Noted\n$/)
      const json = decodeJson((yield* run("actors", "inspect", "mender/x", "--json")).stdout)
      assert.deepInclude(json, { type: "mender", id: "x", waiting: 0, paused: null, fault: null, dead_letters: [] })

      assertSaid(yield* run("actors", "paused"), "nothing is paused")
      assertSaid(
        yield* run("actors", "pause", "mender/x", "--because", "a\u001b[31m test"),
        "mender/x is paused: its messages are kept and wait"
      )
      assertSaid(yield* run("actors", "pause", "mender/x"), "mender/x was paused already")
      assertMatches(
        yield* run("actors", "pause", "mender"),
        /^type mender is paused: .* \(this version of conclave has no such type\)\n$/
      )
      assertMatches(
        yield* run("actors", "paused"),
        /^PAUSED +SINCE +BY +BECAUSE\nmender\/x +\S+Z +operator +a \[31m test\ntype mender +\S+Z +operator +no reason given\n$/
      )
      assertSaid(yield* run("actors", "resume", "mender/x"), "mender/x goes on, but stays paused by type mender")
      assertSaid(yield* run("actors", "resume", "mender/x"), "mender/x was not paused, and stays paused by type mender")
      assertSaid(yield* run("actors", "pause", "--all"), "everything is paused: its messages are kept and wait")
      const paused = decodeJson((yield* run("actors", "paused", "--json")).stdout)
      assert.deepStrictEqual(Array.isArray(paused) && paused.map(({ target, type }) => [target, type]), [
        ["type", "mender"],
        ["everything", undefined]
      ])
      assertSaid(yield* run("actors", "resume", "--all"), "everything goes on")
      assertSaid(yield* run("actors", "resume", "mender"), "type mender goes on")
      assertMatches(yield* run("nodes"), /^NODE +SHARDS +ACTORS .*\nnode-1 +8 /)
      assert.containSubset(decodeJson((yield* run("nodes", "--json")).stdout), [{ name: "node-1", shards: 8 }])
    }).pipe(Effect.provide(menderSystem("watched", new Set())))
  )

  it.effect("shows who waits", () =>
    Effect.gen(function* () {
      const stuck = on("stuck")
      assertSaid(yield* stuck("actors", "waiting"), "no message waits")
      yield* tell("x", "a", "b")
      yield* Operators.use((all) => all.pause({ kind: "type", type: "mender" }, "to see"))
      assertMatches(
        yield* stuck("actors", "waiting"),
        /^ACTOR +WAITING +BEHIND\nmender\/x +2 +\d+(\.\d)? s +paused: to see\n$/
      )
      const json = decodeJson((yield* stuck("actors", "waiting", "mender", "--json")).stdout)
      assert.isTrue(Array.isArray(json) && json.length === 1)
      assert.deepInclude(Array.isArray(json) ? json[0] : {}, { type: "mender", id: "x", waiting: 2 })
    }).pipe(Effect.provide(operatorsOf("stuck")))
  )

  it.effect("says in one sentence what cannot be", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const none = on("refused")
      const which = "name one actor (TYPE/ID), one type (TYPE), or --all"
      const cases = [
        [["actors", "inspect", "mender/no"], "there is nothing of mender/no: no journal, no mail, no dead letter"],
        [["actors", "inspect", "mender"], '"mender": name an actor as TYPE/ID'],
        [["actors", "inspect", "mender/a b"], 'actor id "a b": 1 to 128 characters without spaces, * or >'],
        [["actors", "pause"], which],
        [["actors", "resume", "mender", "--all"], which],
        [["actors", "pause", "Mender"], 'actor type "Mender": 1 to 64 of a-z 0-9 _, starting with a letter'],
        [["dead", "show", "5"], "there is no dead letter 5"],
        [["dead", "retry", "5"], "there is no dead letter 5"],
        [["dead", "drop", "5"], "there is no dead letter 5"],
        [["dead", "drop"], `name one dead letter (its number), one actor (TYPE/ID), one type (TYPE), or --all`],
        [["nodes", "--nats", "nats://127.0.0.1:1"], "no NATS server answers at nats://127.0.0.1:1: connection refused"]
      ] as const
      for (const [args, sentence] of cases) assertFailed(yield* none(...args), sentence)
      assertFailed(yield* on("nowhere")("nodes"), `the NATS server at ${url} has no namespace nowhere`)
    }).pipe(Effect.provide(operatorsOf("refused")))
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("conclave dead", (it) => {
  const broken = new Set(["b", "c", "d", "e"])
  it.effect("lists, shows, retries and drops what was parked", () =>
    Effect.gen(function* () {
      const run = on("parked")
      const log = yield* ActorLog
      assertSaid(yield* run("dead", "list"), "there is no dead letter")
      yield* tell("x", "b", "c", "d")
      const [b, c] = yield* lettersOf("x", 3)
      yield* tell("y", "e")
      yield* lettersOf("y", 1)
      assertMatches(
        yield* run("dead", "list", "mender/x", "--max", "2"),
        /^LETTER +ACTOR +MESSAGE +PARKED +CAUSE\n +\d+ +mender\/x +Note +\S+Z +\S*.*cannot note b\n.*cannot note c\n… and more: --after \d+\n$/
      )
      const json = decodeJson((yield* run("dead", "list", "mender", "--after", `${b!.sequence}`, "--json")).stdout)
      assert.isTrue(Array.isArray(json) && json.length === 3)
      const shown = yield* run("dead", "show", `${b!.sequence}`)
      assertMatches(shown, /^dead letter \d+\n {2}actor {5}mender\/x\n {2}message {3}Note\n/)
      assert.match(shown.stdout, /cause {5}.*cannot note b\n/)
      assert.match(shown.stdout, /body: \{ text: 'b' \}/)

      broken.clear()
      assertSaid(yield* run("dead", "retry", `${c!.sequence}`), "Note is in the mailbox of mender/x again")
      assert.deepStrictEqual(yield* notesOf("x", 1), ["c"])
      const payload = JSON.stringify({ sequence: 1, time: 1, message: "?", cause: "rubbish", original: "rubbish" })
      const bad = yield* log.append([{ kind: "dead", owner: owner("x"), payload }])
      const retried = yield* run("dead", "retry", "mender/x", "--rate", "50")
      const sentence = `dead letter ${bad} cannot be retried: what it holds is no message for mender/x`
      assert.deepStrictEqual(retried, {
        code: 1,
        stdout: `${sentence}\nretried 2 dead letters of mender/x\n`,
        stderr: "conclave: 1 dead letter could not be retried\n"
      })
      assert.deepStrictEqual(yield* notesOf("x", 3), ["c", "b", "d"])
      const again = yield* run("dead", "retry", "mender/x", "--json")
      assert.deepStrictEqual(decodeJson(again.stdout), { retried: 0, failed: [{ letter: bad, reason: sentence }] })

      assertSaid(yield* run("dead", "drop", `${bad}`), `dropped dead letter ${bad}`)
      assertSaid(yield* run("dead", "drop", "mender/x"), "dropped 0 dead letters of mender/x")
      assertSaid(yield* run("dead", "drop", "--all"), "dropped 1 dead letter of everything")
      assertSaid(yield* run("dead", "list"), "there is no dead letter")
    }).pipe(Effect.provide(menderSystem("parked", broken)))
  )
})

describe("conclave actors, without an address", () => {
  it.live("finds the system that runs on the data folder", () =>
    Effect.gen(function* () {
      const data = yield* dataFolder
      const csv = join("samples", "ACME.csv")
      const system = yield* start(["up", "--csv", csv, "--symbol", "ACME", "--port", "0", "--data", data])
      yield* system.says(/ACME {2}/)
      assertMatches(yield* conclaveWith({ CONCLAVE_DATA: data }, "nodes"), /^NODE +SHARDS .*\n\S+ +64 /)
      const inspected = yield* conclave("actors", "inspect", "coordinator/ACME", "--data", data, "--json")
      const found = decodeJson(inspected.stdout)
      assert.deepInclude(found, { type: "coordinator", id: "ACME", state_of: "now", fault: null })
      // Loopback is no proof of who one is: who cannot read the folder can do nothing.
      const address = yield* system.says(/NATS +(\S+)/)
      assert.match(address, /^nats:\/\/127\.0\.0\.1:\d+$/)
      assertFailed(
        yield* conclave("nodes", "--nats", address),
        `the NATS server at ${address} lets nobody in as that: user or password are wrong or missing`
      )
    }).pipe(Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()))
  )
})

describe("the process", () => {
  it.live("ends with 1 and one sentence where something cannot be, and explains itself", () =>
    Effect.gen(function* () {
      const how = "name its servers with --nats or NATS_URL, or its folder with --data"
      const lost = yield* conclave("nodes", "--data", "/nowhere")
      const rate = yield* endedInProcess({}, "dead", "retry", "--all", "--rate", "0")
      const usage = yield* endedInProcess({}, "actors", "inspect", "--help")
      assertFailed(lost, `no system runs on the data folder /nowhere: ${how}`)
      assertFailed(rate, '--rate "0": must be a number above 0 (see conclave dead retry --help)')
      assertMatches(usage, /USAGE/)
    })
  )
})

describe("texts for people", () => {
  it("stand in columns, numbers on the right", () =>
    assert.strictEqual(
      table(
        ["NAME", "COUNT", "WHY"],
        [
          ["漢字", 1, "x"],
          ["abcdef", 12_345, ""]
        ]
      ),
      "NAME    COUNT  WHY\n漢字          1  x\nabcdef  12345"
    ))

  it("cannot steer the terminal, and are cut", () => {
    assert.strictEqual(plain("a\u001b[2J\n\tb\u202ec  "), "a [2J b c")
    assert.strictEqual(plain("😀😀😀😀", 3), "😀😀…")
  })

  it("say how long in one unit", () =>
    assert.deepStrictEqual([0, 9.96, 59.9, 60, 3_599, 3_600, 86_399, 86_400 * 3].map(durationText), [
      "0.0 s",
      "10.0 s",
      "59 s",
      "1 min",
      "59 min",
      "1 h",
      "23 h",
      "3 d"
    ]))
})
