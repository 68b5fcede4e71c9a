import { Effect } from "effect"
import fc from "fast-check"
import type { Actor } from "../../runtime/index.ts"
import { type Campaign, campaignOf, joinCampaigns, NO_RUNS } from "../campaign.ts"
import { type Experiment, makeTrial, SEED_MAX } from "../experiment.ts"
import { ALL_FAULTS, type Faults } from "../world/faults.ts"
import type { Client, Stage } from "../world/scenario.ts"
import type { Command } from "./command.ts"
import { type Ending, endingOf, type Heard, heardOf } from "./ending.ts"
import { breachOfInvariants, brokenBy, type Invariant, type Says } from "./law.ts"
import { tellFailure } from "./tell.ts"

export interface SimulateOptions {
  readonly actors: ReadonlyArray<Actor>
  /** What clients do: made by `tell` and `ask`. */
  readonly commands: fc.Arbitrary<Command>
  /** What is true of every actor at all times: made by `always`. */
  readonly always?: ReadonlyArray<Invariant>
  /** What is true of a whole run at its end, by name. */
  readonly laws?: { readonly [law: string]: (ending: Ending) => Says }
  /** How many runs; 500 unless given. */
  readonly runs?: number
  /** A whole number from 0 to 2,147,483,647: that of the first run. A new one each time, unless given. */
  readonly seed?: number
  /** What may go wrong; everything, unless given. */
  readonly faults?: Faults
  /** How many processes send commands at most, and how many commands each: 3 and 20 unless given. */
  readonly clientsMax?: number
  readonly commandsMax?: number
}

/** A law did not hold. The message names it, the seed, the smallest run that was found to break it, and its story. */
export class SimulationFailed extends Error {
  override readonly name = "SimulationFailed"
  readonly seed: number
  readonly law: string
  /** The commands of the smallest run, line by line. */
  readonly workload: ReadonlyArray<string>

  constructor(message: string, seed: number, law: string, workload: ReadonlyArray<string>) {
    super(message)
    this.seed = seed
    this.law = law
    this.workload = workload
  }
}

const RUNS = 500
const CLIENTS_MAX = 3
const COMMANDS_MAX = 20
const WAIT_MILLIS_MAX = 2_000

interface Timed {
  readonly waitMillis: number
  readonly command: Command
}
type Workload = ReadonlyArray<ReadonlyArray<Timed>>

/**
 * Runs actors in a simulated cluster, on the unchanged runtime: several nodes, clients that send what `commands` draws, and
 * faults of every kind. Besides the laws given, every law of the runtime is checked: each message has its effect once, state
 * is what folding the journal gives, and so on.
 *
 * Returns what was covered. Throws `SimulationFailed` for the first run that breaks a law, made as small as could be. Takes about 20
 * milliseconds a run, and leaves nothing running. The same options with the same seed do the same.
 */
export const simulate = (options: SimulateOptions): Omit<Campaign, "broken"> & { readonly seed: number } => {
  const { runs = RUNS, faults = ALL_FAULTS } = options
  const seed = options.seed ?? fc.sample(fc.nat(SEED_MAX - runs), 1)[0]!
  const experiment = experimentOf(options)
  const trial = makeTrial(experiment, { faults })
  let campaign = NO_RUNS
  for (let next = seed; next < seed + runs; next++) {
    const report = trial.run(next, trial.draw(next))
    campaign = joinCampaigns(campaign, campaignOf(report))
    const smallest = report.breaches.length === 0 ? undefined : trial.shrink(next)
    if (smallest === undefined) continue
    const story: Array<string> = []
    trial.run(next, smallest, { trace: (line) => story.push(line) })
    const workload = experiment.describe(smallest.workload)
    const message = tellFailure({ seed: next, smallest, workload, story })
    throw new SimulationFailed(message, next, smallest.report.breaches[0]?.law ?? "", workload)
  }
  const { broken: _, ...covered } = campaign
  return { ...covered, seed }
}

const experimentOf = (options: SimulateOptions): Experiment<Workload> => {
  const { actors, commands, laws = {}, clientsMax = CLIENTS_MAX, commandsMax = COMMANDS_MAX } = options
  const timed = fc.record({ waitMillis: fc.nat(WAIT_MILLIS_MAX), command: commands })
  const client = fc.array(timed, { maxLength: commandsMax, size: "max" })
  return {
    workload: fc.array(client, { minLength: 1, maxLength: clientsMax, size: "max" }),
    scenario: (workload, stage) => {
      const heard: Array<Heard> = []
      return {
        actors,
        clients: workload.map((plan, index) => clientOf(`c${index}`, plan, stage, heard)),
        always: (life) => breachOfInvariants(options.always ?? [], life),
        verdict: ({ lives }) => {
          const ending = endingOf(lives, heard)
          return Object.entries(laws).flatMap(([law, holds]) => {
            const detail = brokenBy(() => holds(ending))
            return detail === undefined ? [] : [{ law, detail }]
          })
        }
      }
    },
    describe: (workload) =>
      workload.flatMap((plan, index) =>
        plan.map(({ waitMillis, command: { kind, to, message, payload } }) => {
          return `c${index} after ${waitMillis} ms: ${kind} ${to} ${message} ${JSON.stringify(payload)}`
        })
      )
  }
}

const clientOf = (name: string, plan: ReadonlyArray<Timed>, stage: Stage, heard: Array<Heard>): Client =>
  Effect.forEach(
    plan,
    ({ waitMillis, command }) =>
      Effect.suspend(() => {
        if (stage.elapsed() + waitMillis >= stage.untilMillis) return Effect.void
        return Effect.andThen(
          Effect.sleep(waitMillis),
          Effect.map(Effect.exit(command.run), (exit) => {
            const one = heardOf(command, exit)
            heard.push(one)
            stage.say(name, `${command.kind} ${command.to} ${command.message}: ${one.outcome} ${shown(one.value)}`)
          })
        )
      }),
    { discard: true }
  )

const shown = (value: unknown): string => (value instanceof Error ? value.message : (JSON.stringify(value) ?? ""))
