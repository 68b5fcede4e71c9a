// `conclave actors drop`
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { counted } from "../table.ts"
import { InvalidTarget, operate, operatorFlags, parseSelection } from "./operate.ts"

const ACTORS_MAX = 10_000

/** `conclave actors drop`. */
export const dropMail = Command.make(
  "drop",
  {
    actor: Argument.String("actor").pipe(
      Argument.withDescription("An actor such as coordinator/AAPL, or a whole type such as coordinator")
    ),
    forGood: Flag.Boolean("for-good").pipe(
      Flag.withDescription("Remove the messages for good, and keep no dead letters of them"),
      Flag.withDefault(false)
    ),
    yes: Flag.Boolean("yes").pipe(
      Flag.withDescription("Do it; without it the command only says what it would drop"),
      Flag.withDefault(false)
    ),
    ...operatorFlags
  },
  (given) =>
    operate(given, (operators) =>
      Effect.gen(function* () {
        const { type, id } = yield* parseSelection(Option.some(given.actor))
        if (type === undefined) return yield* new InvalidTarget({ rule: "name one actor (TYPE/ID) or one type (TYPE)" })
        const selection = id === undefined ? { type } : { type, id }
        if (!given.yes) {
          const waiting = yield* operators.waiting(selection, ACTORS_MAX)
          const messages = waiting.reduce((sum, each) => sum + each.messages, 0)
          return {
            text: `${counted(messages, "message")} of ${counted(waiting.length, "actor")} would be dropped: say --yes to do it`,
            json: { actors: waiting.length, messages, dropped: false }
          }
        }
        const { actors, messages } = yield* operators.dropMail(selection, { keep: !given.forGood })
        const where = given.forGood ? "for good" : "into the dead letters"
        return {
          text: `dropped ${counted(messages, "message")} of ${counted(actors, "actor")} ${where}`,
          json: { actors, messages, dropped: true }
        }
      })
    )
).pipe(
  Command.withDescription(
    "Remove the waiting messages of a paused actor, or of a type that no node has, into the dead letters"
  )
)
