// A lock that a process holds by a file with its pid in it. Used by the set-up, and for the data folder of a running system.
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs"

// What this process holds. Without it a container, where every start has the same pid, could not tell its own
// lock from one that the process before it left behind.
const held = new Set()

/**
 * What /proc knows of a process: its state, and when it started, in clock ticks since boot, which tells a pid from its
 * reuse. Undefined where there is no such process, or no /proc.
 */
const statOf = (pid) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return { state: fields[0], start: fields[19] }
  } catch {
    return undefined
  }
}

/** Whether a process runs. A zombie has ended, only nobody has taken note of it: in a container perhaps never. */
const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return statOf(pid)?.state !== "Z"
  } catch (error) {
    return error.code === "EPERM"
  }
}

const read = (path) => {
  try {
    const [pid, start] = readFileSync(path, "utf8").trim().split(" ")
    return { pid: Number(pid), start: start ?? "" }
  } catch (error) {
    if (error.code === "ENOENT") return undefined
    throw error
  }
}

const isHeld = (path, owner) => {
  if (!Number.isInteger(owner.pid) || owner.pid <= 0) return false
  if (owner.pid === process.pid) return held.has(path)
  return isAlive(owner.pid) && (owner.start === "" || owner.start === (statOf(owner.pid)?.start ?? owner.start))
}

/** Puts a finished lock file in place, or says that there is one. A reader never sees it half written. */
const place = (path) => {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${process.pid} ${statOf(process.pid)?.start ?? ""}\n`)
  try {
    linkSync(draft, path)
    held.add(path)
    return true
  } catch (error) {
    if (error.code === "EEXIST") return false
    throw error
  } finally {
    unlinkSync(draft)
  }
}

/** Takes a dead owner's lock away. What is taken is looked at again: another process may have been faster and own it now. */
const removeStale = (path, owner) => {
  const grave = `${path}.stale.${process.pid}`
  try {
    renameSync(path, grave)
  } catch (error) {
    if (error.code === "ENOENT") return
    throw error
  }
  const taken = read(grave)
  if (taken !== undefined && (taken.pid !== owner.pid || taken.start !== owner.start)) {
    try {
      linkSync(grave, path)
    } catch (error) {
      if (error.code !== "EEXIST") throw error
    }
  }
  unlinkSync(grave)
}

/**
 * Takes the lock at a path without waiting. The lock of a process that has died is taken over.
 *
 * @returns `release` when it is ours, else the `holder`'s pid. Throws what the file system refuses.
 */
export const takeLock = (path) => {
  for (;;) {
    if (place(path)) return { release: () => release(path) }
    const owner = read(path)
    if (owner === undefined) continue
    if (isHeld(path, owner)) return { holder: owner.pid }
    removeStale(path, owner)
  }
}

const release = (path) => {
  if (!held.delete(path)) return
  try {
    if (read(path)?.pid === process.pid) unlinkSync(path)
  } catch (error) {
    // The folder went away with the lock in it, which is all that a release is for.
    if (error.code !== "ENOENT") throw error
  }
}
