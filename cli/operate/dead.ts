// `conclave dead`: what could not be processed, and what becomes of it.
import { Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import {
  formatAddress,
  formatTarget,
  type Operators,
  type Retried,
  type Selection,
  type Target
} from "../../runtime/index.ts"
import { counted, plain } from "../table.ts"
import { letterJson, letterRows, letterText } from "./letters.ts"
import {
  allFlag,
  InvalidTarget,
  maxFlag,
  NotAll,
  type Output,
  operate,
  operatorFlags,
  parseSelection,
  parseTarget,
  targetArgument
} from "./operate.ts"

const sequenceArgument = Argument.Int("letter").pipe(
  Argument.withDescription("The letter's number, as in `conclave dead list`")
)

const letterOrTarget = Argument.String("letter").pipe(
  Argument.withDescription("A letter's number, an actor such as coordinator/AAPL, or a whole type such as coordinator"),
  Argument.optional
)

const list = Command.make(
  "list",
  {
    actor: targetArgument,
    max: maxFlag,
    after: Flag.Int("after").pipe(
      Flag.withDescription("Begin after this letter, the last one of an earlier list (default: 0)"),
      Flag.withMetavar("LETTER"),
      Flag.withDefault(0)
    ),
    ...operatorFlags
  },
  (given) =>
    operate(given, (operators) =>
      Effect.gen(function* () {
        const found = yield* operators.letters(yield* parseSelection(given.actor), given.after, given.max + 1)
        const shown = found.slice(0, given.max)
        const more = found.length > shown.length ? `\n… and more: --after ${shown.at(-1)?.sequence}` : ""
        return {
          text: shown.length === 0 ? "there is no dead letter" : letterRows(shown) + more,
          json: shown.map(letterJson)
        }
      })
    )
).pipe(Command.withDescription("Dead letters, oldest first"))

const show = Command.make("show", { letter: sequenceArgument, ...operatorFlags }, (given) =>
  operate(given, (operators) =>
    Effect.map(operators.letter(given.letter), (letter) => ({ text: letterText(letter), json: letterJson(letter) }))
  )
).pipe(Command.withDescription("One dead letter: the message as it was, and why it could not be processed"))

const retry = Command.make(
  "retry",
  {
    letter: letterOrTarget,
    all: allFlag,
    rate: Flag.Finite("rate").pipe(
      Flag.withDescription("At most so many letters a second, above 0"),
      Flag.withMetavar("N"),
      Flag.filter(
        (rate) => rate > 0,
        () => "must be a number above 0"
      ),
      Flag.optional
    ),
    ...operatorFlags
  },
  (given) => {
    const failures: Array<Retried> = []
    return operate(given, (operators) =>
      Effect.gen(function* () {
        const which = yield* parseLetters(given.letter, given.all)
        if (typeof which === "number") return yield* retryOne(operators, which)
        const { target, selection } = which
        const perSecond = Option.getOrUndefined(given.rate)
        const retried = yield* operators.retryAll(selection, { perSecond }).pipe(
          Stream.runFold(
            () => 0,
            (count, each) => {
              if (each.failure !== undefined) failures.push(each)
              return each.failure === undefined ? count + 1 : count
            }
          )
        )
        return retriedOutput(target, retried, failures)
      })
    ).pipe(
      Effect.andThen(
        Effect.suspend(() =>
          failures.length === 0
            ? Effect.void
            : Effect.fail(new NotAll({ detail: `${counted(failures.length, "dead letter")} could not be retried` }))
        )
      )
    )
  }
).pipe(
  Command.withDescription("Give messages to their actors again: one, those of an actor or type, or all"),
  Command.withExamples([
    { command: "npx conclave dead retry 4711", description: "One letter" },
    { command: "npx conclave dead retry coordinator --rate 10", description: "All of a type, ten a second" }
  ])
)

const drop = Command.make("drop", { letter: letterOrTarget, all: allFlag, ...operatorFlags }, (given) =>
  operate(given, (operators) =>
    Effect.gen(function* () {
      const which = yield* parseLetters(given.letter, given.all)
      if (typeof which === "number") {
        yield* operators.drop(which)
        return { text: `dropped dead letter ${which}`, json: { dropped: 1 } }
      }
      const dropped = yield* operators.dropAll(which.selection)
      return { text: `dropped ${counted(dropped, "dead letter")} of ${formatTarget(which.target)}`, json: { dropped } }
    })
  )
).pipe(Command.withDescription("Remove dead letters for good: one, those of an actor or type, or all"))

/** `conclave dead`. */
export const dead = Command.make("dead").pipe(
  Command.withDescription("Messages that could not be processed: list, show, retry, drop"),
  Command.withSubcommands([list, show, retry, drop])
)

/** A letter's number, or which actors' letters. No type begins with a digit. */
const parseLetters = (
  text: Option.Option<string>,
  all: boolean
): Effect.Effect<number | { readonly target: Target; readonly selection: Selection }, Error> => {
  if (Option.isSome(text) === all) {
    const rule = "name one dead letter (its number), one actor (TYPE/ID), one type (TYPE), or --all"
    return Effect.fail(new InvalidTarget({ rule }))
  }
  if (Option.isSome(text) && /^\d{1,15}$/.test(text.value)) return Effect.succeed(Number(text.value))
  return Effect.all({ target: parseTarget(text, all), selection: parseSelection(text) })
}

const retryOne = (operators: Operators["Service"], sequence: number) =>
  Effect.gen(function* () {
    const { message, owner } = yield* operators.letter(sequence)
    yield* operators.retry(sequence)
    const text = `${plain(message, 40)} is in the mailbox of ${formatAddress(owner)} again`
    return { text, json: { retried: 1, failed: [] } }
  })

const retriedOutput = (target: Target, retried: number, failures: ReadonlyArray<Retried>): Output => ({
  text: [
    ...failures.map(({ failure }) => plain(failure?.message ?? "")),
    `retried ${counted(retried, "dead letter")} of ${formatTarget(target)}`
  ].join("\n"),
  json: {
    retried,
    failed: failures.map(({ letter, failure }) => ({ letter: letter.sequence, reason: failure?.message ?? "" }))
  }
})
