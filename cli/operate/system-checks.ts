// What `conclave doctor` looks at of a system that runs.
import { Effect, type Option, Result } from "effect"
import { Operators, type ReadError } from "../../runtime/index.ts"
import { namedServer, runningServer, withParts } from "../../server/index.ts"
import type { Configuration } from "../config.ts"
import { natsUrl } from "../options.ts"
import { connectPeople } from "../run/server.ts"
import { counted } from "../table.ts"
import { bad, type Finding, good, warning } from "./finding.ts"

const LETTERS_MAX = 1_000
const WAITING_MAX = 1_000
/** An actor that is behind for longer is not only busy. */
const BEHIND_SECONDS = 60
const ASK_MILLIS = 3_000

/** The servers that are named, or else the one on the data folder, and what runs there; nothing of it where none does. */
export const checkSystem = (
  config: Configuration,
  given: Option.Option<string>,
  folder: string
): Effect.Effect<ReadonlyArray<Finding>, Error> =>
  Effect.gen(function* () {
    const url = (yield* natsUrl(given, config)) ?? (yield* runningServer(folder))
    if (url === undefined) return [good("system", `none runs on ${folder}; npx conclave up starts one`)]
    const server = namedServer(url)
    const looking = Effect.gen(function* () {
      const context = yield* Effect.result(connectPeople(config, server))
      if (Result.isFailure(context)) return [bad("server", context.failure.message, remedyOf(context.failure.message))]
      const found = yield* Effect.result(Effect.provide(lookAt, context.success))
      const reached = good("server", "NATS answers, and has this system's streams")
      return Result.isSuccess(found)
        ? [reached, ...found.success]
        : [bad("server", found.failure.message, "docs/OPERATING.md: NATS")]
    })
    return [...(yield* withParts(server, looking)), ...(yield* checkGateway(config))]
  })

const remedyOf = (message: string): string =>
  /user or password|permissions/i.test(message)
    ? "nats.conf says who may do what"
    : "see that the servers run, or name others with --nats"

const lookAt: Effect.Effect<ReadonlyArray<Finding>, ReadError | Error, Operators> = Effect.gen(function* () {
  const operators = yield* Operators
  const nodes = yield* operators.nodes
  const letters = yield* operators.letters({}, 0, LETTERS_MAX)
  const paused = yield* operators.paused
  const waiting = yield* operators.waiting({}, WAITING_MAX)
  const behind = waiting.filter(({ pause, secondsBehind }) => pause === undefined && secondsBehind > BEHIND_SECONDS)
  const failed = paused.filter(({ by }) => by === "runtime")
  const found: Array<Finding> = [
    nodes.length === 0
      ? bad("system", "no node is alive: messages wait", "start one: npx conclave node, or npx conclave up")
      : good("system", `${counted(nodes.length, "node")} alive: ${nodes.map(({ name }) => name).join(", ")}`)
  ]
  const oldest = behind[0]
  if (oldest !== undefined) {
    const text = `${counted(behind.length, "actor")} behind, ${oldest.address.type}/${oldest.address.id} for ${Math.round(oldest.secondsBehind)} s`
    found.push(warning("system", text, "npx conclave actors waiting"))
  }
  if (failed.length > 0) {
    found.push(warning("system", `${counted(failed.length, "actor")} cannot go on`, "npx conclave actors paused"))
  }
  if (paused.length > failed.length) {
    found.push(
      warning("system", `${counted(paused.length - failed.length, "pause")} by people`, "npx conclave actors paused")
    )
  }
  if (letters.length > 0) {
    const many =
      letters.length === LETTERS_MAX ? `${LETTERS_MAX} or more dead letters` : counted(letters.length, "dead letter")
    found.push(warning("system", many, "npx conclave dead list"))
  }
  return found
})

/** Whether the gateway that the settings name is there and ready. */
const checkGateway = ({ host, port, gatewayCertificate }: Configuration): Effect.Effect<ReadonlyArray<Finding>> => {
  if (port === 0) return Effect.succeed([])
  const url = `${gatewayCertificate === undefined ? "http" : "https"}://${host}:${port}`
  return Effect.tryPromise((signal) =>
    fetch(`${url}/readyz`, { signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MILLIS)]) })
  ).pipe(
    Effect.map(({ ok, status }) =>
      ok
        ? good("system", `the gateway at ${url} is ready`)
        : warning(
            "system",
            `the gateway at ${url} says that it is not ready (${status})`,
            `curl ${url}/readyz says why`
          )
    ),
    Effect.orElseSucceed(() =>
      warning("system", `no gateway answers at ${url}`, "start one, or say where it is with HOST and PORT")
    ),
    Effect.map((found) => [found])
  )
}
