// `conclave actors`: what actors there are, what holds them up, and holding them.
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { allActors, quantPolicy } from "../../actors/index.ts"
import { formatAddress, formatTarget, type Target } from "../../runtime/index.ts"
import { durationText, plain, table, timeText } from "../table.ts"
import { dropMail } from "./drop-mail.ts"
import { inspectionJson, inspectionText } from "./inspection.ts"
import {
  allFlag,
  maxFlag,
  operate,
  operatorFlags,
  parseActor,
  parseSelection,
  parseTarget,
  pauseJson,
  targetArgument,
  targetJson,
  typeArgument
} from "./operate.ts"
import { resume } from "./resume.ts"

const definitions = () => allActors({ policy: quantPolicy })

const list = Command.make(
  "list",
  {
    type: typeArgument,
    max: maxFlag,
    after: Flag.String("after").pipe(
      Flag.withDescription("Begin after this actor, the last one of an earlier list"),
      Flag.withMetavar("TYPE/ID"),
      Flag.optional
    ),
    ...operatorFlags
  },
  (given) =>
    operate(given, (operators) =>
      Effect.gen(function* () {
        const selection = yield* parseSelection(given.type)
        const found = yield* operators.actors(selection, Option.getOrUndefined(given.after), given.max + 1)
        const shown = found.slice(0, given.max)
        const rows = shown.map(({ address, records }) => [formatAddress(address), records])
        const more = found.length > shown.length ? `\n… and more: --after ${rows.at(-1)?.[0]}` : ""
        return {
          text: rows.length === 0 ? "no actor has a journal" : table(["ACTOR", "RECORDS"], rows) + more,
          json: shown.map(({ address, records }) => ({ ...address, records }))
        }
      })
    )
).pipe(Command.withDescription("Actors that have a journal, in order of their names"))

const waiting = Command.make("waiting", { actor: targetArgument, max: maxFlag, ...operatorFlags }, (given) =>
  operate(given, (operators) =>
    Effect.gen(function* () {
      const found = yield* operators.waiting(yield* parseSelection(given.actor), given.max)
      const rows = found.map(({ address, messages, secondsBehind, pause }) => [
        formatAddress(address),
        messages,
        durationText(secondsBehind),
        pause === undefined ? "" : `paused: ${plain(pause.cause, 60)}`
      ])
      return {
        text: rows.length === 0 ? "no message waits" : table(["ACTOR", "WAITING", "BEHIND", ""], rows),
        json: found.map(({ address, messages, secondsBehind, pause }) => ({
          type: address.type,
          id: address.id,
          waiting: messages,
          seconds_behind: secondsBehind,
          paused: pause === undefined ? null : pauseJson(pause)
        }))
      }
    })
  )
).pipe(Command.withDescription("Actors for which messages wait, longest first"))

const inspect = Command.make(
  "inspect",
  {
    actor: Argument.String("actor").pipe(Argument.withDescription("The actor, such as coordinator/AAPL")),
    last: Flag.Int("last").pipe(
      Flag.withDescription("Show so many records and dead letters, 1 to 1000 (default: 10)"),
      Flag.filter(
        (last) => last >= 1 && last <= 1_000,
        () => "must be a whole number from 1 to 1000"
      ),
      Flag.withDefault(10)
    ),
    ...operatorFlags
  },
  (given) =>
    operate(given, (operators) =>
      Effect.gen(function* () {
        const address = yield* parseActor(given.actor)
        const definition = definitions().find(({ type }) => type === address.type)
        const found = yield* operators.inspect(address, { definition, last: given.last })
        return { text: inspectionText(found), json: inspectionJson(found) }
      })
    )
).pipe(Command.withDescription("All there is of one actor, without disturbing it"))

const pause = Command.make(
  "pause",
  {
    actor: targetArgument,
    all: allFlag,
    because: Flag.String("because").pipe(
      Flag.withDescription("Why, for whoever looks at it later (default: no reason given)"),
      Flag.withMetavar("TEXT"),
      Flag.withDefault("no reason given")
    ),
    ...operatorFlags
  },
  (given) =>
    operate(given, (operators) =>
      Effect.gen(function* () {
        const target = yield* parseTarget(given.actor, given.all)
        const changed = yield* operators.pause(target, given.because)
        const done = changed ? "is paused: its messages are kept and wait" : "was paused already"
        return { text: `${formatTarget(target)} ${done}${unknown(target)}`, json: { ...targetJson(target), changed } }
      })
    )
).pipe(Command.withDescription("Pause an actor, a type, or everything; messages are kept and wait"))

const paused = Command.make("paused", operatorFlags, (given) =>
  operate(given, (operators) =>
    Effect.map(operators.paused, (pauses) => ({
      text:
        pauses.length === 0
          ? "nothing is paused"
          : table(
              ["PAUSED", "SINCE", "BY", "BECAUSE"],
              pauses.map(({ target, since, by, cause }) => [
                formatTarget(target),
                timeText(since),
                by,
                plain(cause, 100)
              ])
            ),
      json: pauses.map(pauseJson)
    }))
  )
).pipe(Command.withDescription("What is paused, since when, and why"))

/** `conclave actors`. */
export const actors = Command.make("actors").pipe(
  Command.withDescription("Look at actors, pause them and let them go on"),
  Command.withSubcommands([list, waiting, inspect, pause, resume, paused, dropMail])
)

/** Somebody who misspells a type in an emergency should hear of it. */
const unknown = (target: Target): string =>
  target.kind === "type" && !definitions().some(({ type }) => type === target.type)
    ? ` (this version of conclave has no such type)`
    : ""
