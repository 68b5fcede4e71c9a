import { Cause, type Exit } from "effect"
import type { Actor, StepRecord } from "../../runtime/index.ts"
import type { Life } from "../invariants/life.ts"
import type { Command } from "./command.ts"

/**
 * What a client heard of a command.
 *
 * - `stored`: a tell will be processed. `answered`: an ask was, with `value`.
 * - `refused`: the actor answered with its own typed error, which is `value`. `failed`: it could not process the message, which is
 *   parked, or has stopped.
 * - `not sent`: nothing of it is stored, and `value` says why. `unknown`: no answer came: it may have its effect, once, or none.
 */
export interface Heard {
  readonly command: Command
  readonly outcome: "stored" | "answered" | "refused" | "failed" | "not sent" | "unknown"
  readonly value: unknown
}

/** A run at its end, when all faults are healed and nothing is left undone. */
export interface Ending {
  /** What clients heard, in the order in which they heard it. */
  readonly heard: ReadonlyArray<Heard>
  /** The state of every actor of a type that took a message, by id: what folding its journal gives; the last of one that stopped. */
  readonly states: <State>(actor: Actor<State>) => ReadonlyMap<string, State>
  /** What every actor of a type decided, by id: the steps of its journal, also of those that a snapshot replaced. */
  readonly journals: (actor: Actor) => ReadonlyMap<string, ReadonlyArray<StepRecord>>
  /** The ids of the actors of a type that have stopped. */
  readonly stopped: (actor: Pick<Actor, "type">) => ReadonlySet<string>
}

/** `types`: those that are simulated. Who asks for another one asks in vain, and is told so. */
export const endingOf = (types: ReadonlySet<string>, lives: Iterable<Life>, heard: ReadonlyArray<Heard>): Ending => {
  const all = [...lives]
  const of = ({ type }: Pick<Actor, "type">): ReadonlyArray<Life> => {
    if (!types.has(type)) throw new Error(`${type} is none of the actors`)
    return all.filter(({ address }) => address.type === type)
  }
  return {
    heard,
    journals: (actor) => new Map(of(actor).map(({ address, steps }) => [address.id, steps] as const)),
    states: <State>(actor: Actor<State>) =>
      // A life folds its state by this actor's own functions.
      new Map(of(actor).map(({ address, state }) => [address.id, state as State] as const)),
    stopped: (actor) => new Set(of(actor).flatMap(({ address, stopped }) => (stopped ? [address.id] : [])))
  }
}

/** What came of a command, as its client heard it. */
export const heardOf = (command: Command, exit: Exit.Exit<unknown, unknown>): Heard => {
  if (exit._tag === "Success") {
    return { command, outcome: command.kind === "ask" ? "answered" : "stored", value: exit.value }
  }
  const error = Cause.squash(exit.cause)
  const outcome =
    error instanceof Error && "_tag" in error ? (OUTCOMES.get(String(error._tag)) ?? "refused") : "refused"
  return { command, outcome, value: error }
}

const OUTCOMES: ReadonlyMap<string, Heard["outcome"]> = new Map([
  ["LogFull", "not sent"],
  ["TooLarge", "not sent"],
  ["LogRefused", "not sent"],
  ["MailboxFull", "not sent"],
  ["Overloaded", "not sent"],
  ["InvalidMessage", "not sent"],
  ["InvalidAddress", "not sent"],
  ["LogUnavailable", "unknown"],
  ["LogReplaced", "unknown"],
  ["AskTimeout", "unknown"],
  ["ActorUnavailable", "unknown"],
  ["ActorFailed", "failed"],
  ["ActorStopped", "failed"]
])
