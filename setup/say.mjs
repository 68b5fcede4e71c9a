// What the set-up tells people, and the programs it runs for them. Plain JavaScript: it runs on an old Node with nothing installed.
import { spawn } from "node:child_process"

const OUTPUT_KEPT = 100_000
const REMINDER_MILLIS = 5_000

/** What stands in the way, as one sentence that a person can act on. */
export class SetupError extends Error {}

/** Prints a line to stderr: stdout belongs to the command that was asked for. */
export const say = (line) => process.stderr.write(`${line}\n`)

/** Prints why the set-up did not work, without a stack, and ends with exit code 1. */
export const giveUp = (error) => {
  say(error instanceof SetupError ? error.message : `The set-up failed: ${error.message ?? error}`)
  process.exit(1)
}

/** Says what is being done, reminds every five seconds that it still is, and says how long it took. */
export const progress = async (what, work) => {
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  say(`${what} …`)
  const reminder = setInterval(() => say(`  still at it after ${seconds()} s`), REMINDER_MILLIS)
  try {
    const result = await work()
    say(`  done in ${seconds()} s`)
    return result
  } finally {
    clearInterval(reminder)
  }
}

/**
 * Runs a program without a terminal and collects what it prints.
 *
 * @returns its exit code (127: there is no such program), its stdout, and the `lines` of both outputs together.
 */
export const run = (command, args, options = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] })
    let stdout = ""
    let both = ""
    child.stdout.on("data", (chunk) => {
      stdout += chunk
      both += chunk
    })
    child.stderr.on("data", (chunk) => {
      both += chunk
    })
    const lines = () =>
      both
        .slice(-OUTPUT_KEPT)
        .split("\n")
        .filter((line) => line.trim() !== "")
    child.on("error", (error) => resolve({ code: error.code === "ENOENT" ? 127 : 126, stdout, lines: [error.message] }))
    child.on("close", (code, signal) => resolve({ code: code ?? 128, signal, stdout, lines: lines() }))
  })

/** Turns the refusal of a file system into a sentence about the folder. */
export const folderError = (folder, error) => {
  const reasons = {
    EACCES: "this user may not write there",
    EPERM: "this user may not write there",
    EROFS: "it is on a read-only file system",
    ENOSPC: "the disk is full",
    ENOTDIR: "a part of its path is not a folder"
  }
  const reason = reasons[error.code]
  return reason === undefined ? error : new SetupError(`The folder ${folder} cannot be used: ${reason}.`)
}
