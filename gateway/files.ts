import { readdirSync, readFileSync } from "node:fs"

/** What the process needs besides clients, and does not have open yet: connections to NATS that come back, files that are read. */
const RESERVED = 32
/** What it has open by itself, where the system does not say. */
const OPEN_USUALLY = 64

/** How many connections of clients this process has files for, and how many files it may have; nothing where the system does not say. */
export const socketsAllowed = (): { readonly sockets: number; readonly files: number } | undefined => {
  const files = filesAllowed()
  return files === undefined ? undefined : { sockets: Math.max(1, files - filesOpen() - RESERVED), files }
}

const attempt = <A>(read: () => A): A | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The soft limit, which is what `ulimit -n` says. */
const filesAllowed = (): number | undefined => {
  const limits = attempt(() => readFileSync("/proc/self/limits", "utf8"))
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits ?? "")?.[1])
  return Number.isSafeInteger(limit) ? limit : undefined
}

const filesOpen = (): number => attempt(() => readdirSync("/proc/self/fd").length) ?? OPEN_USUALLY
