import fc from "fast-check"
import { ALL_FAULTS, type Faults } from "./world/faults.ts"
import { type Onlookers, type RunReport, runWorld } from "./world/run.ts"
import type { Stage, WorldScenario } from "./world/scenario.ts"
import { settings, type WorldSetting } from "./world/setting.ts"

/** Runs of one kind: what clients do is drawn, and so can be made smaller; the rest follows from it. */
export interface Experiment<Workload> {
  readonly workload: fc.Arbitrary<Workload>
  readonly scenario: (workload: Workload, stage: Stage) => WorldScenario
  /** What clients do, line by line. */
  readonly describe: (workload: Workload) => ReadonlyArray<string>
}

export interface TrialOptions {
  /** What may go wrong; everything, unless given. */
  readonly faults?: Faults
}

/** What a run is drawn as. */
export interface Drawn<Workload> {
  readonly setting: WorldSetting
  readonly workload: Workload
}

/** The smallest run of a seed that was found to break the same law. */
export interface Smallest<Workload> extends Drawn<Workload> {
  readonly report: RunReport
  /** How many runs it took to find it. */
  readonly tried: number
}

/** The runs of an experiment, by seed. The same seed gives the same run, on every machine. */
export interface Trial<Workload> {
  readonly draw: (seed: number) => Drawn<Workload>
  readonly run: (seed: number, drawn: Drawn<Workload>, onlookers?: Onlookers) => RunReport
  /** Makes a run that broke a law smaller, as long as it breaks that law. Nothing, if the run of this seed breaks none. */
  readonly shrink: (seed: number) => Smallest<Workload> | undefined
}

/** The largest seed. */
export const SEED_MAX = 0x7fffffff
const SHRINKS_MAX = 500

export const makeTrial = <Workload>(
  { workload, scenario }: Experiment<Workload>,
  { faults = ALL_FAULTS }: TrialOptions = {}
): Trial<Workload> => {
  const drawns = fc.record({ setting: settings(faults), workload })
  const parameters = (seed: number) => ({ seed, numRuns: 1, unbiased: true })
  const draw = (seed: number) => fc.sample(drawns, parameters(seed))[0]!
  const run = (seed: number, drawn: Drawn<Workload>, onlookers: Onlookers = {}) =>
    runWorld({
      seed,
      setting: drawn.setting,
      scenario: (stage) => scenario(drawn.workload, stage),
      ...onlookers
    })
  const shrink = (seed: number) => {
    const [broken] = run(seed, draw(seed)).breaches
    if (broken === undefined) return undefined
    let tried = 0
    const holds = fc.property(drawns, (drawn) => {
      // By count and not by time, so that it ends in the same place each time.
      if (++tried > SHRINKS_MAX) return true
      // Another law is another defect.
      return run(seed, drawn).breaches.every(({ law }) => law !== broken.law)
    })
    const found = fc.check(holds, parameters(seed)).counterexample?.[0]
    return found && { ...found, report: run(seed, found), tried }
  }
  return { draw, run, shrink }
}
