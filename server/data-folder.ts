// The folder of everything durable. One system at a time uses it: two servers on one store would destroy it.
import { existsSync, mkdirSync, realpathSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { Effect, Schema, type Scope } from "effect"
import { takeLock } from "../setup/lock.mjs"

/** The file system refuses. Trying again does not help until the folder is mended. */
export class DataFolderUnusable extends Schema.TaggedError<DataFolderUnusable>()("DataFolderUnusable", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the data folder ${this.folder} cannot be used: ${this.reason}`
  }
}

/** Another system runs on this folder. Trying again helps once it has ended. */
export class DataFolderInUse extends Schema.TaggedError<DataFolderInUse>()("DataFolderInUse", {
  folder: Schema.String,
  pid: Schema.Int
}) {
  override get message() {
    return `the data folder ${this.folder} is in use by process ${this.pid}: stop that first, or choose another folder`
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "it is on a read-only file system",
  ENOENT: "no folder can be made there",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is not a folder",
  EEXIST: "there is a file of that name"
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code = "code" in error ? String(error.code) : ""
  return REASONS[code] ?? error.message
}

/** Does something to files below a data folder; what the file system refuses becomes a typed error about that folder. */
export const onDisk = <A>(folder: string, work: () => A): Effect.Effect<A, DataFolderUnusable> =>
  Effect.try({ try: work, catch: (error) => new DataFolderUnusable({ folder, reason: reasonOf(error) }) })

// Node's own recursive mkdir never returns where the file system takes no folders, as under /proc.
const makeFolder = (path: string): void => {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path)
}

/**
 * Makes the folder if need be and keeps other systems out of it until the scope closes. The lock of a process that was
 * killed is taken over.
 *
 * @returns the folder's real path, which is the same by whatever links it was named.
 */
export const useDataFolder = (
  path: string
): Effect.Effect<string, DataFolderUnusable | DataFolderInUse, Scope.Scope> => {
  const given = resolve(path)
  const acquire = Effect.gen(function* () {
    const folder = yield* onDisk(given, () => {
      makeFolder(dirname(given))
      if (!statSync(given, { throwIfNoEntry: false })?.isDirectory()) mkdirSync(given)
      return realpathSync(given)
    })
    const lock = yield* onDisk(given, () => takeLock(join(folder, "lock")))
    if (lock.release === undefined) return yield* new DataFolderInUse({ folder: given, pid: lock.holder })
    return { folder, release: lock.release }
  })
  return Effect.acquireRelease(acquire, ({ release }) => Effect.sync(release)).pipe(Effect.map(({ folder }) => folder))
}
