import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Worker } from "node:worker_threads"
import type { Mutant } from "./mutant.ts"
import type { Catch, Hunt } from "./worker.ts"

const ROOT = join(import.meta.dirname, "..", "..", "..")
const CACHE = join(ROOT, ".cache")
const ROOMS = ["runtime", "protocols", "sim"]

/** Of this process. Whoever ends it in the middle of a hunt leaves none. */
const copies = new Set<string>()
process.once("exit", () => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true })
})

/** Removes the copies of processes that were killed. */
export const removeLeftCopies = (): void => {
  for (const name of readdirSync(CACHE)) {
    const pid = Number(/^mutant-(\d+)-/.exec(name)?.[1])
    if (pid > 0 && !isRunning(pid)) rmSync(join(CACHE, name), { recursive: true, force: true })
  }
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** Runs the simulated world with a defect in it until a law is broken. */
export const hunt = async (mutant: Mutant): Promise<Catch> => {
  // Within the checkout, so that packages are found.
  const copy = mkdtempSync(join(CACHE, `mutant-${process.pid}-`))
  copies.add(copy)
  try {
    for (const room of ROOMS) cpSync(join(ROOT, room), join(copy, room), { recursive: true })
    writeFileSync(join(copy, "package.json"), '{"type":"module"}')
    const file = join(copy, mutant.file)
    writeFileSync(file, changed(readFileSync(file, "utf8"), mutant))
    const sim = pathToFileURL(join(copy, "sim", "index.ts")).href
    return await inThread({ sim, faults: mutant.faults ?? "all", within: mutant.within })
  } finally {
    rmSync(copy, { recursive: true, force: true })
    copies.delete(copy)
  }
}

/** The source with the defect in it, which has to fit in exactly one place. */
const changed = (source: string, { defect, file, from, to }: Mutant): string => {
  const parts = source.split(from)
  if (parts.length !== 2) throw new Error(`${defect}: ${file} has its place ${parts.length - 1} times`)
  return parts.join(to)
}

const inThread = (workerData: Hunt): Promise<Catch> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData })
    worker.once("message", (found: Catch) => resolve(found))
    worker.once("error", reject)
    worker.once("exit", () => reject(new Error("the thread ended and said nothing")))
  })
