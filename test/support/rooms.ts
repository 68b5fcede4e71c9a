// Which room may import what, and in which order inside a room.
import { importsOf, type Source } from "./sources.ts"

interface Room {
  readonly rooms: ReadonlyArray<string>
  readonly packages: RegExp
  /** The room that it is a part of, of which it may import every file. */
  readonly within?: string
}

const ANY = /^(?!@nats-io\/)/

/** A room in another one is listed before it. */
const ROOMS: Readonly<Record<string, Room>> = {
  "runtime/nats": { rooms: [], within: "runtime", packages: /^(effect(\/|$)|@nats-io\/|node:zlib$)/ },
  protocols: { rooms: [], packages: /^effect(\/|$)/ },
  // zlib for a checksum: a pure function. A thread, for what watches the event loop.
  runtime: { rooms: [], packages: /^(effect(\/|$)|node:(zlib|worker_threads)$)/ },
  actors: { rooms: ["protocols", "runtime"], packages: ANY },
  market: {
    rooms: ["protocols"],
    packages: /^(effect(\/|$)|@effect\/platform-node\/NodeStream$|csv-parse\/sync$|node:zlib$)/
  },
  gateway: { rooms: ["protocols", "runtime", "client"], packages: ANY },
  // Browsers load it as it is: of the protocols it takes types alone.
  client: { rooms: ["protocols"], packages: /^$/ },
  sim: { rooms: ["protocols", "runtime"], packages: ANY },
  store: { rooms: ["protocols", "runtime"], packages: ANY },
  // What a user's configuration imports, and what reads it.
  extension: { rooms: ["protocols", "runtime", "actors", "sim"], packages: ANY },
  server: { rooms: ["runtime", "setup"], packages: ANY },
  evaluation: { rooms: ["protocols", "runtime", "actors", "sim"], packages: ANY },
  system: {
    rooms: ["protocols", "runtime", "runtime/nats", "actors", "gateway", "sim", "server", "evaluation"],
    packages: ANY
  },
  cli: {
    rooms: [
      ...["protocols", "runtime", "runtime/nats", "market", "actors", "gateway", "sim", "store", "setup"],
      ...["server", "evaluation", "system", "extension"]
    ],
    packages: ANY
  }
}

/** While the event loop is busy only this thread can tell, and only by itself. */
const WATCHDOG = "runtime/engine/recovery/watchdog-thread.ts"

/** It gives the layers on NATS to who imports them from the runtime, and loads them when they are built. */
const ON_NATS = "runtime/on-nats.ts"

const roomOf = (path: string): string =>
  Object.keys(ROOMS).find((room) => path.startsWith(`${room}/`)) ?? path.slice(0, path.indexOf("/"))

// The set-up is a set of plain programs and not a room: it has no index.
const isDoor = (path: string): boolean => path === `${roomOf(path)}/index.ts` || path.startsWith("setup/")

/** A room imports only the rooms and packages that it may, and of another room only its index. Tests and benchmarks may reach anywhere. */
export const arrows = (source: Source): ReadonlyArray<string> => {
  const room = roomOf(source.path)
  const allowed = ROOMS[room]
  if (allowed === undefined) return []
  return importsOf(source).flatMap(({ specifier, file, line }) => {
    const place = `${source.path}:${line}`
    if (source.path === WATCHDOG && specifier === "node:fs") return []
    if (file === undefined) {
      return allowed.packages.test(specifier) ? [] : [`${place}: ${room} must not import ${specifier}`]
    }
    const other = roomOf(file)
    if (other === room || other === allowed.within) return []
    if (source.path === ON_NATS && file === "runtime/nats/index.ts") return []
    if (!allowed.rooms.includes(other)) return [`${place}: ${room} must not import ${file}`]
    return isDoor(file) ? [] : [`${place}: of ${other} only its index.ts may be imported, not ${file}`]
  })
}

/** Only the room of NATS knows subjects of the server's own, whatever they are imported or asked by. */
export const serverSubjects = (source: Source): ReadonlyArray<string> =>
  ROOMS[roomOf(source.path)] === undefined || roomOf(source.path) === "runtime/nats"
    ? []
    : source.text
        .split("\n")
        .flatMap((line, index) =>
          /\$(JS|SYS|KV)\./.test(line) ? [`${source.path}:${index + 1}: a subject of NATS itself`] : []
        )

/** Inside a room no file imports itself, by whatever way round. Types count: a cycle of types is two files that are one. */
export const cycles = (sources: ReadonlyArray<Source>): ReadonlyArray<string> =>
  cyclesOf(
    new Map(
      sources.map((source) => [
        source.path,
        importsOf(source).flatMap(({ file }) =>
          file !== undefined && roomOf(file) === roomOf(source.path) ? [file] : []
        )
      ])
    )
  )

/**
 * Of the folders of a folder none imports itself by way of others. What lies in the folder itself belongs to all of them: it puts them
 * together, or is shared by them.
 */
export const folderCycles = (sources: ReadonlyArray<Source>): ReadonlyArray<string> => {
  const next = new Map<string, Set<string>>()
  for (const source of sources) {
    if (ROOMS[roomOf(source.path)] === undefined) continue
    for (const { file } of importsOf(source)) {
      const [from, to] = siblings(source.path, file ?? source.path)
      if (from === undefined || to === undefined) continue
      next.set(from, (next.get(from) ?? new Set()).add(to))
    }
  }
  return cyclesOf(next)
}

/** The two folders beside one another in which two files are; nothing where one file's folder holds the other's. */
const siblings = (one: string, other: string): readonly [string?, string?] => {
  const [mine, its] = [one.split("/").slice(0, -1), other.split("/").slice(0, -1)]
  const at = mine.findIndex((name, index) => name !== its[index])
  return at < 1 || its[at] === undefined ? [] : [mine.slice(0, at + 1).join("/"), its.slice(0, at + 1).join("/")]
}

const cyclesOf = (next: ReadonlyMap<string, Iterable<string>>): ReadonlyArray<string> => {
  const found = new Set<string>()
  const done = new Set<string>()
  const visit = (path: string, trail: ReadonlyArray<string>): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      found.add([...trail.slice(start), path].join(" → "))
      return
    }
    if (done.has(path)) return
    for (const file of next.get(path) ?? []) visit(file, [...trail, path])
    done.add(path)
  }
  for (const path of next.keys()) visit(path, [])
  return [...found]
}
