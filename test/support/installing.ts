// Programs that are run in a folder outside of the checkout, as somebody would who has the packages alone.
import { spawnSync } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { findNatsServer } from "../../setup/nats-server.mjs"
import { environment } from "./command.ts"

const MINUTES_MAX = 8

export interface Outside {
  readonly folder: string
  /** Runs a program there, and gives what it printed on both outputs. Fails where its exit code is not `code`, which is 0 unless given. */
  readonly run: (words: ReadonlyArray<string>, options?: RunOptions) => string
  readonly write: (file: string, text: string) => void
}

interface RunOptions {
  /** The folder, from the outer one. */
  readonly at?: string
  readonly env?: Readonly<Record<string, string>>
  readonly code?: number
}

/** A folder with this Node on its path, and nothing of the checkout. */
export const outside = (folder: string): Outside => {
  const bin = join(folder, ".bin")
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, "node"))
  const { path: server = "" } = findNatsServer({ name: process.env.NATS_SERVER })
  // npm reaches its registry as it does for whoever started the tests.
  const network = Object.entries(process.env).filter(([name]) => /cert|proxy/i.test(name))
  const own = {
    ...{ NATS_SERVER: server, XDG_CACHE_HOME: join(folder, ".cache"), LOG_LEVEL: "Error" },
    // npm runs on this Node, which trusts only authorities of its own unless it is told to trust the machine's.
    NODE_OPTIONS: "--use-system-ca"
  }
  const before = { ...Object.fromEntries(network), ...environment(own) }
  const searchPath = (process.env.PATH ?? "").split(":").filter((each) => !each.includes("node_modules"))
  const PATH = [bin, ...searchPath].join(":")
  return {
    folder,
    write: (file, text) => writeFileSync(join(folder, file), text),
    run: ([command = "", ...args], { at = ".", env = {}, code = 0 } = {}) => {
      const options = { cwd: join(folder, at), encoding: "utf8", timeout: MINUTES_MAX * 60_000 } as const
      const { status, stdout, stderr } = spawnSync(command, args, { ...options, env: { ...before, ...env, PATH } })
      assert.strictEqual(status, code, `${[command, ...args].join(" ")}\n${stdout}${stderr}`)
      return `${stdout}${stderr}`
    }
  }
}
