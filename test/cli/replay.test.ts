import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Cause, Console, Effect, Exit, Schedule, Schema } from "effect"
import { Command } from "effect/cli"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { fromRecord } from "../../cli/config.ts"
import { exportJournal } from "../../cli/operate/export.ts"
import { replayActor } from "../../cli/operate/replay.ts"
import { ConsensusProtocol, CoordinatorProtocol, type RoundRequest } from "../../protocols/index.ts"
import { ActorLog, Actors, formatExport, parseExport, type Recording } from "../../runtime/index.ts"
import { dailyBars, PANEL, voteOf } from "../support/bars.ts"
import { conclave, type Ended } from "../support/command.ts"
import { NatsServer, temporaryFolder } from "../support/nats.ts"
import { alteredStep } from "../support/scribe.ts"
import { system } from "../support/system.ts"
import { busy } from "../support/till.ts"

const ROUND = "01HNZX8JGFACFA36RBXDHEQN6E"
const ACTOR = `consensus/${ROUND}`
const REQUEST: RoundRequest = {
  symbol: "ACME",
  correlation_id: "c1",
  invited: [
    { agent_id: "market_analyst_ACME", agent_type: "market_analyst" },
    { agent_id: "risk_advisor_ACME", agent_type: "risk_advisor" },
    { agent_id: "strategy_optimizer_ACME", agent_type: "strategy_optimizer" }
  ],
  method: "weighted_confidence",
  timeout_ms: 60_000,
  min_confidence: 0.6
}
const decodeJson = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      steps: Schema.Array(Schema.Struct({ sequence: Schema.Int, verdict: Schema.String, after: Schema.Unknown })),
      summary: Schema.Unknown
    })
  )
)

const root = Command.make("conclave").pipe(Command.withSubcommands([replayActor, exportJournal]))

/** The command in this process. */
const run = (env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.gen(function* () {
    const printed: Array<string> = []
    const console: Console.Console = { ...globalThis.console, log: (text) => void printed.push(`${text}\n`) }
    const exit = yield* Command.runWith(root, { version: "0" })(args).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provide([NodeServices.layer, fromRecord(env)]),
      Effect.exit
    )
    const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    const stderr = failure instanceof Error ? failure.message : ""
    return { code: failure === undefined ? 0 : 1, stdout: printed.join(""), stderr }
  })

/** A round from its opening to its result, and until none of its mail is left. */
const closedRound = Effect.gen(function* () {
  const all = yield* Actors
  const log = yield* ActorLog
  yield* all.tell(ConsensusProtocol, ROUND, "Open", { request: REQUEST, coordinator: "ACME" })
  for (const [index, type] of PANEL.entries()) {
    const vote = voteOf(type, index === 0 ? "SELL" : "BUY", 0.9)
    yield* all.ask(ConsensusProtocol, ROUND, "CastVote", { vote }, { messageId: `vote-${type}` })
  }
  const late = all.ask(
    ConsensusProtocol,
    ROUND,
    "CastVote",
    { vote: voteOf("risk_advisor", "SELL", 1) },
    { messageId: "late" }
  )
  assert.strictEqual((yield* Effect.flip(late))._tag, "RoundClosed")
  const left = log.readMail({ type: "consensus", id: ROUND }, 0, 10)
  yield* left.pipe(
    Effect.repeat({ until: (mails) => mails.length === 0, schedule: Schedule.spaced("50 millis") }),
    Effect.timeout("15 seconds")
  )
})

layer(NatsServer.layer, { excludeTestServices: true })("conclave replay", (it) => {
  const actors = allActors({ policy: quantPolicy })
  it.effect("tells a closed round whose mail is removed, from the log and from a file", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const env = { NATS_URL: url, CONCLAVE_NAMESPACE: "rounds" }
      yield* closedRound
      const told = yield* run(env, "replay", ACTOR)
      assert.deepStrictEqual([told.code, told.stderr], [0, ""])
      assert.match(
        told.stdout,
        new RegExp(`^${ACTOR} of namespace rounds, from its first message on\n\n\\d+ {2}\\S+Z\n`)
      )
      assert.match(told.stdout, / {2}message {4}Open from a client\n/)
      assert.match(told.stdout, / {2}timer {6}round_deadline at \S+Z\n/)
      assert.match(told.stdout, / {2}event {6}VoteCast \{ vote: \{ agent_id: 'market_analyst_ACME'/)
      assert.match(told.stdout, / {2}sent {7}RoundClosed to coordinator\/ACME\n/)
      assert.match(told.stdout, / {2}refused {4}\{"_tag":"RoundClosed"/)
      assert.match(told.stdout, /final_decision: 'BUY'/)
      assert.isFalse(told.stdout.includes("not checked"))
      assert.match(told.stdout, /\n5 steps, deciding again gave the same events\n$/)
      assert.isTrue(told.stdout.split("\n").every((line) => line.length <= 140 && !line.includes("\u001b")))

      const file = join(yield* temporaryFolder, "round.jsonl")
      const exported = yield* run(env, "export", ACTOR, "--to", file)
      assert.match(exported.stdout, new RegExp(`^${ACTOR}: \\d records? and 0 messages in ${file}\n$`))
      assert.strictEqual((yield* run(env, "export", ACTOR, "--to", file)).stderr, `${file}: it is there already`)
      const nowhere = { NATS_URL: "nats://127.0.0.1:1" }
      assert.deepStrictEqual(yield* run(nowhere, "replay", "--file", file), told)
      assert.deepStrictEqual(yield* run(nowhere, "replay", ACTOR, "--file", file), told)

      const { steps, summary } = decodeJson((yield* run({}, "replay", "--file", file, "--json")).stdout)
      assert.deepStrictEqual(summary, { steps: 5, same: 5, differs: 0, unchecked: 0 })
      const part = yield* run({}, "replay", "--file", file, "--json", "--until", `${steps[1]!.sequence}`)
      assert.deepStrictEqual(decodeJson(part.stdout).steps, steps.slice(0, 2))

      const wrong = "coordinator/ACME"
      assert.strictEqual(
        (yield* run({}, "replay", wrong, "--file", file)).stderr,
        `${file} holds the journal of ${ACTOR}, not of ${wrong}`
      )
      writeFileSync(file, readFileSync(file, "utf8").replaceAll("BUY", "BOY"))
      const damaged = yield* conclave("replay", "--file", file)
      assert.strictEqual(damaged.code, 1)
      assert.match(damaged.stderr, /^conclave: \d steps?, .*; record \d+ cannot be read: .* a checksum is wrong\n$/)
      assert.isTrue(damaged.stdout.includes(damaged.stderr.replace("conclave: ", "")))
    }).pipe(Effect.provide(system({ namespace: "rounds", actors })), Effect.scoped)
  )

  it.effect("ends with 1 where something else would be decided, and says which step and what", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const env = { NATS_URL: url, CONCLAVE_NAMESPACE: "other" }
      yield* closedRound
      const folder = yield* temporaryFolder
      const file = join(folder, "round.jsonl")
      yield* run(env, "export", ACTOR, "--to", file)
      const { recording } = yield* parseExport(readFileSync(file, "utf8"))
      const altered = alteredStep(recording, 0, ({ timers: _, ...step }) => ({
        ...step,
        timers: { round_deadline: 1 }
      }))
      const other = join(folder, "other.jsonl")
      writeFileSync(other, formatExport({ namespace: "other", recording: altered }))
      const ended = yield* run({}, "replay", "--file", other)
      assert.deepStrictEqual(
        [ended.code, ended.stderr],
        [1, "5 steps: deciding again gave the same events in 4, something else in 1"]
      )
      assert.match(ended.stdout, / {2}again {6}differs, journal → now\n {13}~ timers\.round_deadline 1 → \d{13}\n/)
    }).pipe(Effect.provide(system({ namespace: "other", actors })), Effect.scoped)
  )

  it.effect("never calls a step the same whose message is gone", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const env = { NATS_URL: url, CONCLAVE_NAMESPACE: "gone" }
      const all = yield* Actors
      const log = yield* ActorLog
      yield* all.ask(CoordinatorProtocol, "ACME", "Bar", { bar: dailyBars([100])[0]! }, { messageId: "one" })
      const waiting = log.readMail({ type: "coordinator", id: "ACME" }, 0, 10)
      yield* waiting.pipe(
        Effect.repeat({ until: (mails) => mails.length === 0, schedule: Schedule.spaced("50 millis") }),
        Effect.timeout("15 seconds")
      )
      const told = yield* run(env, "replay", "coordinator/ACME")
      assert.strictEqual(told.code, 0)
      assert.match(
        told.stdout,
        /again {6}not checked: the message is not in the journal and was removed from the log\n/
      )
      assert.match(told.stdout, /\n(\d) steps?: deciding again gave the same events in 0, \1 could not be checked\n$/)
    }).pipe(Effect.provide(system({ namespace: "gone", actors })), Effect.scoped)
  )

  it.effect("says in one sentence what cannot be", () =>
    Effect.gen(function* () {
      const { url } = yield* NatsServer
      const env = { NATS_URL: url, CONCLAVE_NAMESPACE: "none" }
      const folder = yield* temporaryFolder
      const file = join(folder, "till.jsonl")
      const recording: Recording = busy().recording
      writeFileSync(file, formatExport({ namespace: "tests", recording }))
      const cut = join(folder, "cut.jsonl")
      writeFileSync(cut, formatExport({ namespace: "tests", recording }).slice(0, -30))
      const cases = [
        [["replay"], "name an actor as TYPE/ID, or a file by --file"],
        [["replay", "consensus"], '"consensus": name an actor as TYPE/ID'],
        [["replay", "consensus/no"], "there is nothing of consensus/no: no journal, no mail, no dead letter"],
        [["replay", "--file", join(folder, "no")], `${folder}/no: there is no such file`],
        [["replay", "--file", folder], `${folder}: it is no file`],
        [["replay", "--file", file], "this version of conclave has no actor type till"],
        [
          ["replay", "--file", cut],
          `${cut}: line ${recording.records.length + 2}: it is no record, mail or end of an exported journal`
        ],
        [
          ["export", "consensus/no", "--to", join(folder, "a")],
          "there is nothing of consensus/no: no journal, no mail, no dead letter"
        ]
      ] as const
      for (const [args, sentence] of cases) {
        const { code, stderr } = yield* run(env, ...args)
        assert.deepStrictEqual([code, stderr], [1, sentence])
      }
    }).pipe(Effect.provide(system({ namespace: "none", actors })), Effect.scoped)
  )
})
