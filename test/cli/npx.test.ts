import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { dataFolder, environment, ROOT, serverOn } from "../support/command.ts"

/** Starts a program of npm and gives its process, which is npm's own and not that of what it runs. */
const startWith = (command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(command, args, { cwd: ROOT, env: environment(env), detached: true, stdio: ["ignore", "pipe", "ignore"] })
    ),
    (child) =>
      Effect.sync(() => {
        try {
          process.kill(-child.pid!, "SIGKILL")
        } catch {
          // The whole group has ended.
        }
      })
  )

const says = (child: ChildProcess, pattern: RegExp) =>
  Effect.callback<void>((resume) => {
    let text = ""
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      if (pattern.test(text)) resume(Effect.void)
    })
  })

describe("a signal to the process that was started", () => {
  it.live("stops the whole system, by npx as by npm start", () =>
    Effect.gen(function* () {
      const ways = [
        ["npx", ["conclave", "up", "--symbols", "A"]],
        ["npm", ["start"]]
      ] as const
      const stopped = ways.map(([command, args]) =>
        Effect.gen(function* () {
          const data = yield* dataFolder
          const child = yield* startWith(command, args, { PORT: "0", CONCLAVE_DATA: data })
          yield* says(child, /Ctrl-C stops it/).pipe(Effect.timeout("15 seconds"))
          assert.isDefined(serverOn(data))
          child.kill("SIGTERM")
          const gone = Effect.sync(() => serverOn(data) === undefined && !existsSync(join(data, "lock")))
          yield* gone.pipe(
            Effect.repeat({ until: (all) => all, schedule: Schedule.spaced("50 millis") }),
            Effect.timeout("10 seconds")
          )
        }).pipe(Effect.scoped)
      )
      yield* Effect.all(stopped, { concurrency: 2 })
    })
  )
})
