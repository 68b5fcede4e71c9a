// A thread that runs the simulated world of another copy of the source until a law is broken.
import { parentPort, workerData } from "node:worker_threads"

/** What to run. */
export interface Hunt {
  /** The copy's `sim/index.ts`, as a URL. */
  readonly sim: string
  readonly faults: string
  readonly within: number
}

/** What was found, and after how many runs. */
export interface Catch {
  readonly runs: number
  readonly law: string | undefined
  readonly detail: string
}

const hunt = async ({ sim, faults, within }: Hunt): Promise<Catch> => {
  const { ledgerExperiment, makeTrial, parseFaults }: typeof import("../../../sim/index.ts") = await import(sim)
  const read = parseFaults(faults)
  if (typeof read === "string") throw new Error(read)
  const trial = makeTrial(ledgerExperiment, { faults: read })
  for (let seed = 1; seed <= within; seed++) {
    const [breach] = trial.run(seed, trial.draw(seed)).breaches
    if (breach !== undefined) return { runs: seed, ...breach }
  }
  return { runs: within, law: undefined, detail: "" }
}

// Whoever starts this file as a thread gives it a hunt.
hunt(workerData as Hunt).then((found) => parentPort?.postMessage(found))
