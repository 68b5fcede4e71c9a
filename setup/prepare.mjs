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

/** Waits until no other set-up works in this checkout, and keeps others out until `release`. */
const lockSetup = async (root) => {
  const folder = join(root, ".cache")
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

const serverReady = (root) => {
  const found = findNatsServer({ name: process.env.NATS_SERVER, root })
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
  const ready = () => packagesReady(root) && (!server || serverReady(root))
  if (!ready()) {
    const release = await lockSetup(root)
    try {
      if (!packagesReady(root))
        await progress("Installing the packages of package-lock.json (once)", () => installPackages(root))
      if (server && !serverReady(root)) await progress("Fetching nats-server (once)", () => fetchNatsServer(root))
    } finally {
      release()
    }
  }
  return ownNode(root)
}
