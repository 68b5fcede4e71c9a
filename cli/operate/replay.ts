// `conclave replay`: how an actor came to what it is, step by step.
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { allActors, quantPolicy } from "../../actors/index.ts"
import {
  type Actor,
  type Exported,
  formatAddress,
  type Operators,
  type ReplaySummary,
  replay,
  summarize
} from "../../runtime/index.ts"
import { configuration } from "../config.ts"
import { readExport } from "./export.ts"
import { InvalidTarget, type Output, operate, operatorFlags, parseActor } from "./operate.ts"
import { replayJson, replayText, summaryText } from "./replay-text.ts"

/** Deciding again gave something else, or the journal cannot be read to its end; where, is said already. */
export class NotReplayed extends Schema.TaggedError<NotReplayed>()("NotReplayed", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** What is in the journal is of an actor that this version does not have. */
export class UnknownType extends Schema.TaggedError<UnknownType>()("UnknownType", { type: Schema.String }) {
  override get message() {
    return `this version of conclave has no actor type ${this.type}`
  }
}

const flags = {
  actor: Argument.String("actor").pipe(
    Argument.withDescription("The actor, such as consensus/01HNZX8JGF; with --file it need not be said"),
    Argument.optional
  ),
  until: Flag.Int("until").pipe(
    Flag.withDescription("Go no further than to the message of this sequence"),
    Flag.withMetavar("SEQ"),
    Flag.filter(
      (sequence) => sequence >= 1,
      () => "must be a whole number from 1"
    ),
    Flag.optional
  ),
  file: Flag.String("file").pipe(
    Flag.withDescription("Replay what `conclave export` wrote; no server is needed"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  ...operatorFlags
}

/** `conclave replay`. */
export const replayActor = Command.make("replay", flags, (given) =>
  Effect.gen(function* () {
    let summary: ReplaySummary | undefined
    const told = (exported: Exported): Effect.Effect<Output, UnknownType> =>
      Effect.gen(function* () {
        const actor = yield* definitionOf(exported.recording.address.type)
        const replayed = [...replay(actor, exported.recording, { until: Option.getOrUndefined(given.until) })]
        summary = summarize(replayed)
        return { text: replayText(exported, replayed), json: replayJson(exported, replayed) }
      })
    if (Option.isSome(given.file)) {
      const exported = yield* fromFile(given.file.value, given.actor)
      const { text, json } = yield* told(exported)
      yield* Console.log(given.json ? JSON.stringify(json, null, 2) : text)
    } else {
      yield* operate(given, (operators) => Effect.flatMap(fromLog(operators, given.actor), told))
    }
    if (summary !== undefined && (summary.differs > 0 || summary.fault !== undefined)) {
      return yield* new NotReplayed({ detail: summaryText(summary) })
    }
  })
).pipe(
  Command.withDescription("Rebuild an actor from its journal step by step, and decide each message again"),
  Command.withExamples([
    { command: "npx conclave replay consensus/01HNZX8JGF", description: "Why a round went as it did" },
    { command: "npx conclave replay --file round.jsonl --until 9131", description: "From a file, up to one message" }
  ])
)

const definitionOf = (type: string): Effect.Effect<Actor, UnknownType> => {
  const definition = allActors({ policy: quantPolicy }).find((actor) => actor.type === type)
  return definition === undefined ? Effect.fail(new UnknownType({ type })) : Effect.succeed(definition)
}

const fromLog = (operators: Operators["Service"], actor: Option.Option<string>) =>
  Effect.gen(function* () {
    if (Option.isNone(actor)) return yield* new InvalidTarget({ rule: "name an actor as TYPE/ID, or a file by --file" })
    const { namespace } = yield* configuration
    return { namespace, recording: yield* operators.recording(yield* parseActor(actor.value)) }
  })

const fromFile = (file: string, actor: Option.Option<string>) =>
  Effect.gen(function* () {
    const exported = yield* readExport(file)
    const holds = formatAddress(exported.recording.address)
    if (Option.isSome(actor) && actor.value !== holds) {
      return yield* new InvalidTarget({ rule: `${file} holds the journal of ${holds}, not of ${actor.value}` })
    }
    return exported
  })
