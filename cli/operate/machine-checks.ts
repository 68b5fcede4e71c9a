// What `conclave doctor` looks at of settings and machine.
import { accessSync, constants, existsSync } from "node:fs"
import { statfs } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { Effect, Result } from "effect"
import { socketsAllowed } from "../../gateway/index.ts"
import { findBinary, sizeText } from "../../server/index.ts"
import { type Configuration, readOptional, type SettingSpec, settings, variableNames } from "../config.ts"
import { modelConfiguration, modelSettings } from "../config-models.ts"
import { bad, type Finding, good, warning } from "./finding.ts"

/** With less a day of events and journals may not fit. */
const ROOM_BYTES_MIN = 1024 ** 3
/** Files that a process may have open; a gateway needs one for each client. */
const FILES_MIN = 4_096
/** Variables with these beginnings are ours. */
const OURS = /^(CONCLAVE|GATEWAY|MODEL|LEASE|METRICS|OLLAMA|ANTHROPIC|PERPLEXITY|OPENAI)_/
/** Those that no setting stands for: of our set-up, and of other programs that talk to the same services. */
const OTHERS = /^(CONCLAVE_(PARENT|COUNTS)|(OLLAMA|ANTHROPIC|PERPLEXITY|OPENAI)_.*)$/

const known: ReadonlyArray<SettingSpec<unknown>> = [...Object.values(settings), ...Object.values(modelSettings)]

/** Every variable that is set: whether its value can be used, and whether there is such a variable. */
export const checkSettings: Effect.Effect<ReadonlyArray<Finding>> = Effect.gen(function* () {
  const results = yield* Effect.forEach(known, (spec) => Effect.result(readOptional(spec)))
  const wrong = results.flatMap((result) =>
    Result.isFailure(result) ? [bad("settings", result.failure.message, "docs/SETTINGS.md tells what each may be")] : []
  )
  const together = yield* Effect.result(modelConfiguration())
  if (wrong.length === 0 && Result.isFailure(together)) {
    wrong.push(bad("settings", together.failure.message, "docs/MODELS.md tells what a model needs"))
  }
  const names = new Set(known.map(({ variable }) => variable))
  const unknown = (yield* variableNames)
    .filter((name) => OURS.test(name) && !OTHERS.test(name) && !names.has(name))
    .map((name) => warning("settings", `${name} is no variable that is read`, "see docs/SETTINGS.md for its name"))
  const found = [...wrong, ...unknown]
  return found.length === 0 ? [good("settings", "every variable that is set can be used")] : found
})

/** What a system on this machine needs of it. */
export const checkMachine = (config: Configuration, folder: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.all([
    Effect.succeed(good("machine", `Node ${process.versions.node} on ${process.platform} ${process.arch}`)),
    config.natsUrl === undefined
      ? checkServerProgram(config)
      : Effect.succeed(good("machine", "NATS_URL names servers")),
    config.natsUrl === undefined ? checkFolder(folder) : Effect.succeed(good("machine", "no data folder is needed")),
    Effect.sync(checkFiles)
  ])

const checkServerProgram = ({ natsServer }: Configuration): Effect.Effect<Finding> =>
  findBinary(natsServer).pipe(
    Effect.map(({ binary, version }) => good("machine", `nats-server ${version}: ${binary}`)),
    Effect.catch((error) => Effect.succeed(bad("machine", error.message, "`npx conclave up` fetches one where it can")))
  )

/** The folder that is there, of the path to one that may not be yet. */
const existing = (folder: string): string => (existsSync(folder) ? folder : existing(dirname(folder)))

const checkFolder = (folder: string): Effect.Effect<Finding> =>
  Effect.gen(function* () {
    const path = resolve(folder)
    const there = existing(path)
    const writable = yield* Effect.result(Effect.try(() => accessSync(there, constants.W_OK | constants.X_OK)))
    if (Result.isFailure(writable)) {
      return bad("machine", `nothing can be written into ${there}`, "name another folder with --data or CONCLAVE_DATA")
    }
    const { bavail, bsize } = yield* Effect.promise(() => statfs(there))
    const room = bavail * bsize
    return room >= ROOM_BYTES_MIN
      ? good("machine", `the data folder ${path} has room for ${sizeText(room)}`)
      : warning(
          "machine",
          `the data folder ${path} has room for only ${sizeText(room)}`,
          "make room, or name another disk"
        )
  })

const checkFiles = (): Finding => {
  const files = socketsAllowed()?.files
  if (files === undefined) return good("machine", "this system does not say how many files a process may open")
  return files >= FILES_MIN
    ? good("machine", `a process may open ${files} files`)
    : warning(
        "machine",
        `a process may open only ${files} files, of which each client takes one`,
        "raise it: ulimit -n 65536"
      )
}
