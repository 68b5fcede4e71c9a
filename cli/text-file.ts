import { readFile, stat } from "node:fs/promises"
import { Effect } from "effect"

/** The size of a file that somebody named. Fails with why it cannot be read, as a part of a sentence. */
export const checkFile = (file: string): Effect.Effect<number, string> =>
  Effect.gen(function* () {
    const found = yield* Effect.tryPromise({ try: () => stat(file), catch: reasonOf })
    // A device has no end, and a pipe that nobody writes to keeps its reader until it is killed.
    if (found.isFile()) return found.size
    return yield* Effect.fail(found.isDirectory() ? "it is a folder" : "it is a device or pipe, not a file")
  })

/** The text of a file that somebody named. Fails with why it cannot be read, as a part of a sentence. */
export const readText = (file: string, bytesMax: number): Effect.Effect<string, string> =>
  Effect.gen(function* () {
    const size = yield* checkFile(file)
    if (size > bytesMax) return yield* Effect.fail(`it has ${size} bytes, and the limit is ${bytesMax}`)
    return yield* Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: reasonOf })
  })

/** Why the file system refuses a file, as a part of a sentence. */
export const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error) || !("code" in cause)) return String(cause)
  return REASONS[String(cause.code)] ?? cause.message
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is not a folder",
  EISDIR: "it is a folder",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it"
}
