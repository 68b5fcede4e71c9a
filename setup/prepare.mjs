// Everything that has to be there before anything of ours can run. Says nothing and takes no time when it is.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fetchNatsServer } from "./apt.mjs"
import { takeLock } from "./lock.mjs"
import { findNatsServer } from "./nats-server.mjs"
import { installPackages, ownNode, packagesReady } from "./packages.mjs"
import { folderError, progress, SetupError, say } from "./say.mjs"

const WAIT_MILLIS = 200

/** Waits until no other set-up works on this cache, and keeps others out until `release`. */
const lockSetup = async (folder) => {
  let told = false
  for (;;) {
    const lock = tryLock(folder)
    if (lock.release !== undefined) return lock.release
    if (!told) say(`Waiting for the set-up that process ${lock.holder} is doing …`)
    told = true
    await sleep(WAIT_MILLIS)
  }
}

const tryLock = (folder) => {
  try {
    mkdirSync(folder, { recursive: true })
    return takeLock(join(folder, "setup.lock"))
  } catch (error) {
    throw folderError(folder, error)
  }
}

const serverReady = (cache) => {
  const found = findNatsServer({ name: process.env.NATS_SERVER, cache })
  if (found.problem !== undefined) throw new SetupError(`${found.problem}.`)
  return found.path !== undefined
}

/**
 * Installs the packages and brings a nats-server, where they are missing. Safe to run twice at once.
 *
 * With `server: false` it does without the nats-server.
 *
 * @returns the path of the Node to run our own code with. Throws a `SetupError`, whose message is for people.
 */
export const prepare = async (root, { server = true } = {}) => {
  const cache = join(root, ".cache")
  const ready = () => packagesReady(root) && (!server || serverReady(cache))
  if (!ready()) {
    const release = await lockSetup(cache)
    try {
      if (!packagesReady(root))
        await progress("Installing the packages of package-lock.json (once)", () => installPackages(root))
      if (server) await bringServer(cache)
    } finally {
      release()
    }
  }
  return ownNode(root)
}

const bringServer = async (cache) => {
  if (!serverReady(cache)) await progress("Fetching nats-server (once)", () => fetchNatsServer(cache))
}

/** Brings a nats-server into a cache, where there is none to be found. Safe to run twice at once. Throws a `SetupError`. */
export const prepareServer = async (cache) => {
  if (serverReady(cache)) return
  const release = await lockSetup(cache)
  try {
    await bringServer(cache)
  } finally {
    release()
  }
}
