// A nats-server with the users of nats.conf.
import { spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schedule } from "effect"
import { findNatsServer } from "../../setup/nats-server.mjs"
import { temporaryFolder } from "./nats.ts"

export const PASSWORDS = { NODE_PASSWORD: "n", GATEWAY_PASSWORD: "g", VIEWER_PASSWORD: "v", OPERATOR_PASSWORD: "o" }

/** A server with the users that nats.conf shows commented out. */
export const serverWithUsers = Effect.suspend(() => {
  const text = readFileSync(join(import.meta.dirname, "../../nats.conf"), "utf8")
  const [users = ""] = /^# authorization \{$.*?^# \}$/ms.exec(text) ?? []
  return serverWith(users.replace(/^# ?/gm, ""))
})

/** A server with a block of users. */
export const serverWith = Effect.fnUntraced(function* (users: string) {
  const folder = yield* temporaryFolder
  const store = `jetstream { store_dir: ${JSON.stringify(join(folder, "store"))} }`
  const file = join(folder, "server.conf")
  writeFileSync(file, `listen: "127.0.0.1:-1"\nports_file_dir: ${JSON.stringify(folder)}\n${store}\n${users}`)
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(findNatsServer({ name: process.env.NATS_SERVER }).path ?? "nats-server", ["-c", file], {
        stdio: "ignore",
        env: PASSWORDS
      })
    ),
    (process) =>
      Effect.callback<void>((resume) => {
        process.once("exit", () => resume(Effect.void))
        process.kill("SIGKILL")
      })
  )
  const ports = Effect.try(() => readFileSync(join(folder, `nats-server_${child.pid}.ports`), "utf8"))
  return yield* ports.pipe(
    // It may be written in part.
    Effect.flatMap((json) => Effect.fromNullishOr(/nats:\/\/127\.0\.0\.1:\d+(?=")/.exec(json)?.[0])),
    Effect.retry(Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: "5 seconds" })))
  )
})

/** How somebody connects to it: a user's password is the first letter of its name. */
export const asUser = (url: string, user: string) => ({
  url: url.replace("//", `//${user}:${user.charAt(0)}@`),
  namespace: "conclave",
  name: user
})
