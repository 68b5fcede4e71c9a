// A folder that looks like the checkout, and a shell in it: commands are typed there as the guides write them.
import { spawn } from "node:child_process"
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { environment, ROOT } from "./command.ts"
import { temporaryFolder } from "./nats.ts"

export interface Typed {
  readonly code: number | null
  readonly output: string
}

export interface Shell {
  readonly folder: string
  /** Runs a line to its end. */
  readonly type: (line: string, env?: Readonly<Record<string, string>>) => Effect.Effect<Typed>
  /** Starts a line and waits until it has printed what matches; it is ended with the scope. */
  readonly serve: (
    line: string,
    until: RegExp,
    env?: Readonly<Record<string, string>>
  ) => Effect.Effect<string, Error, Scope.Scope>
}

/** A busy machine is late: what counts is that it is said, and not how soon. */
const WAIT = "60 seconds"

/** npx without npm, which would take a second more each time. What npx itself does is tested apart. */
const NPX = `#!/bin/sh
word=$1
shift
case "$word" in
  conclave) exec ${JSON.stringify(join(ROOT, "setup", "conclave"))} "$@" ;;
  node) exec ${JSON.stringify(process.execPath)} "$@" ;;
  *) exit 127 ;;
esac
`

export const openShell = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const kept = [".git", "data", "nats.conf", ".cache"]
  for (const name of readdirSync(ROOT)) if (!kept.includes(name)) symlinkSync(join(ROOT, name), join(folder, name))
  mkdirSync(join(folder, "bin"))
  writeFileSync(join(folder, "bin", "npx"), NPX, { mode: 0o755 })
  const launch = (line: string, env: Readonly<Record<string, string>>) => {
    const path = `${join(folder, "bin")}:${process.env.PATH ?? ""}`
    const child = spawn("bash", ["-c", line], {
      cwd: folder,
      env: { ...environment(env), PATH: path },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"]
    })
    const said = { output: "", ended: false }
    const ending = new Promise<Typed>((resolve) =>
      child.on("close", (code) => {
        said.ended = true
        resolve({ code, output: said.output })
      })
    )
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said.output += text
      })
    }
    return { child, said, ending }
  }
  const stop = ({ child, said, ending }: ReturnType<typeof launch>) =>
    Effect.gen(function* () {
      if (!said.ended) process.kill(-child.pid!, "SIGTERM")
      yield* Effect.promise(() => ending).pipe(
        Effect.timeoutOrElse({
          duration: WAIT,
          orElse: () => Effect.sync(() => process.kill(-child.pid!, "SIGKILL"))
        })
      )
    })
  const shell: Shell = {
    folder,
    type: (line, env = {}) =>
      Effect.acquireUseRelease(
        Effect.sync(() => launch(line, env)),
        ({ ending }) => Effect.promise(() => ending),
        stop
      ),
    serve: (line, until, env = {}) =>
      Effect.gen(function* () {
        const { said } = yield* Effect.acquireRelease(
          Effect.sync(() => launch(line, env)),
          stop
        )
        const wait: Effect.Effect<string, Error> = Effect.suspend(() => {
          if (until.test(said.output)) return Effect.succeed(said.output)
          if (said.ended) return Effect.fail(new Error(`${line} ended: ${said.output}`))
          return Effect.delay(wait, "20 millis")
        })
        const late = () => Effect.fail(new Error(`${line} did not say ${until}: ${said.output}`))
        return yield* Effect.timeoutOrElse(wait, { duration: WAIT, orElse: late })
      })
  }
  return shell
})
