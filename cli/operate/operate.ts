// What the commands for operators share: finding the system, and the words that say which actors are meant.
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import {
  addressFault,
  type InvalidAddress,
  Operators,
  type Pause,
  type Selection,
  type Target
} from "../../runtime/index.ts"
import { namedServer, runningServer, withParts } from "../../server/index.ts"
import { configuration, settings } from "../config.ts"
import { dataFlag, natsFlag, natsUrl, optionOr } from "../options.ts"
import { connectPeople } from "../run/server.ts"

/** No server is named, and there is none of our own to be found. */
export class NoServer extends Schema.TaggedError<NoServer>()("NoServer", { folder: Schema.String }) {
  override get message() {
    return `no system runs on the data folder ${this.folder}: name its servers with --nats or NATS_URL, or its folder with --data`
  }
}

/** The words do not say which actors are meant. */
export class InvalidTarget extends Schema.TaggedError<InvalidTarget>()("InvalidTarget", { rule: Schema.String }) {
  override get message() {
    return this.rule
  }
}

/** Something of what was asked for could not be done; what it was is said already. */
export class NotAll extends Schema.TaggedError<NotAll>()("NotAll", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

/** Where the system is, and for whom to print. */
export const operatorFlags = {
  nats: natsFlag,
  data: dataFlag,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, for programs"), Flag.withDefault(false))
}

interface OperatorFlags {
  readonly nats: Option.Option<string>
  readonly data: Option.Option<string>
  readonly json: boolean
}

/** What to print: for people, and for programs. */
export interface Output {
  readonly text: string
  readonly json: unknown
}

/** The system that is named, or else the one that runs on the data folder, and the configuration to reach it with. */
export const findSystem = (given: Pick<OperatorFlags, "nats" | "data">) =>
  Effect.gen(function* () {
    const config = yield* configuration
    const folder = yield* optionOr(given.data, "--data", settings.dataFolder, config.dataFolder)
    const url = (yield* natsUrl(given.nats, config)) ?? (yield* runningServer(folder))
    return url === undefined ? yield* new NoServer({ folder }) : { config, server: namedServer(url) }
  })

/**
 * Connects to the system that is named, or else to the one that runs on the data folder, does something there, and prints
 * what came of it.
 */
export const operate = <E>(
  given: OperatorFlags,
  use: (operators: Operators["Service"]) => Effect.Effect<Output, E>
): Effect.Effect<void, E | Error> =>
  Effect.gen(function* () {
    const { config, server } = yield* findSystem(given)
    const used = Effect.gen(function* () {
      const context = yield* connectPeople(config, server)
      return yield* Effect.flatMap(Operators, use).pipe(Effect.provide(context))
    })
    const { text, json } = yield* withParts(server, used)
    yield* Console.log(given.json ? JSON.stringify(json, null, 2) : text)
  })

export const allFlag = Flag.Boolean("all").pipe(
  Flag.withDescription("All actors of all types"),
  Flag.withDefault(false)
)

export const typeArgument = Argument.String("type").pipe(
  Argument.withDescription("An actor type, such as coordinator"),
  Argument.optional
)

export const targetArgument = Argument.String("actor").pipe(
  Argument.withDescription("An actor such as coordinator/AAPL, or a whole type such as coordinator"),
  Argument.optional
)

export const maxFlag = Flag.Int("max").pipe(
  Flag.withDescription("Show at most so many, 1 to 10000 (default: 100)"),
  Flag.filter(
    (max) => max >= 1 && max <= 10_000,
    () => "must be a whole number from 1 to 10000"
  ),
  Flag.withDefault(100)
)

/** `TYPE/ID` taken apart. An id may hold slashes, a type none. */
export const parseActor = (text: string): Effect.Effect<{ readonly type: string; readonly id: string }, Error> => {
  const slash = text.indexOf("/")
  if (slash < 0) return Effect.fail(new InvalidTarget({ rule: `${JSON.stringify(text)}: name an actor as TYPE/ID` }))
  return checked({ type: text.slice(0, slash), id: text.slice(slash + 1) })
}

/** Which actors are meant by `TYPE`, `TYPE/ID`, or nothing. */
export const parseSelection = (text: Option.Option<string>): Effect.Effect<Selection, Error> => {
  if (Option.isNone(text)) return Effect.succeed({})
  if (text.value.includes("/")) return parseActor(text.value)
  return Effect.map(checked({ type: text.value, id: "any" }), ({ type }) => ({ type }))
}

/** Which actors are meant where it matters: `TYPE`, `TYPE/ID`, or `--all` said outright. */
export const parseTarget = (text: Option.Option<string>, all: boolean): Effect.Effect<Target, Error> => {
  if (Option.isSome(text) === all) {
    return Effect.fail(new InvalidTarget({ rule: "name one actor (TYPE/ID), one type (TYPE), or --all" }))
  }
  return Effect.map(parseSelection(text), ({ type, id }): Target => {
    if (type === undefined) return { kind: "everything" }
    return id === undefined ? { kind: "type", type } : { kind: "actor", address: { type, id } }
  })
}

const checked = <A extends { readonly type: string; readonly id: string }>(address: A) => {
  const fault: InvalidAddress | undefined = addressFault(address)
  return fault === undefined ? Effect.succeed(address) : Effect.fail(fault)
}

/** A target as JSON. */
export const targetJson = (target: Target) => {
  if (target.kind === "everything") return { target: target.kind }
  return target.kind === "type"
    ? { target: target.kind, type: target.type }
    : { target: target.kind, type: target.address.type, id: target.address.id }
}

/** A pause as JSON. */
export const pauseJson = ({ target, by, cause, since }: Pause) => ({ ...targetJson(target), by, cause, since })
