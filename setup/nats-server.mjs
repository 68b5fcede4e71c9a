// Where a nats-server may be, and whether it is new enough. Read by the set-up, and by the command that starts one.
import { spawnSync } from "node:child_process"
import { accessSync, constants, existsSync } from "node:fs"
import { homedir } from "node:os"
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

/** The oldest version with message schedules that can be cancelled and with atomic batches. */
export const OLDEST = "2.14.0"

/** The folder of the checkout; of an installed package the one that its modules lie in. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

/** The folder of this user's programs for what they can make again, as freedesktop.org has it. */
const userCache = () => {
  const { XDG_CACHE_HOME: named = "" } = process.env
  return isAbsolute(named) ? named : join(homedir(), ".cache")
}

/** Where what was fetched is kept: in the checkout, or for an installed package, which may not write beside itself, in the user's cache. */
export const CACHE = existsSync(join(ROOT, "cli", "main.ts")) ? join(ROOT, ".cache") : join(userCache(), "conclave")

/** Where the set-up puts the nats-server that it fetches. */
export const fetchedPath = (cache = CACHE) => join(cache, "nats-server", "nats-server")

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The version of a nats-server, such as `2.15.1`; undefined when it does not run or is something else. */
export const versionOf = (path) => {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 10_000 })
  return /nats-server: v(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1]
}

export const isNewEnough = (version) => {
  const [major, minor] = version.split(".").map(Number)
  const [oldestMajor, oldestMinor] = OLDEST.split(".").map(Number)
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}

const named = (path) => {
  const version = isExecutable(path) ? versionOf(path) : undefined
  if (version === undefined) return { problem: `NATS_SERVER=${path}: must be the path of a nats-server program` }
  if (!isNewEnough(version)) return { problem: `NATS_SERVER=${path}: is ${version}, must be ${OLDEST} or newer` }
  return { path: resolve(path), version }
}

/**
 * Finds a nats-server: the one that is named, else one on the PATH that is new enough, else the one that was fetched.
 *
 * @returns `path` and `version`; or `problem`, a sentence, when the named one will not do; or neither when there is none.
 */
export const findNatsServer = ({ name, cache = CACHE, searchPath = process.env.PATH ?? "" } = {}) => {
  if (name !== undefined && name !== "") return named(name)
  const onPath = searchPath
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "nats-server"))
  for (const path of [...onPath, fetchedPath(cache)]) {
    if (!isExecutable(path)) continue
    const version = versionOf(path)
    if (version !== undefined && isNewEnough(version)) return { path, version }
  }
  return {}
}
