import { Effect } from "effect"
import fc from "fast-check"
import type { Actor } from "../../runtime/index.ts"
import { type Campaign, campaignOf, joinCampaigns, NO_RUNS } from "../campaign.ts"
import { type Experiment, makeTrial, SEED_MAX, type Trial } from "../experiment.ts"
import { ALL_FAULTS, type Faults } from "../world/faults.ts"
import type { RunReport } from "../world/run.ts"
import type { Client, Stage } from "../world/scenario.ts"
import type { Command } from "./command.ts"
import { type Ending, endingOf, type Heard, heardOf } from "./ending.ts"
import { breachOfInvariants, brokenBy, type Invariant, type Says } from "./invariant.ts"
import { checkCommand, checkHeard, checkOptions, SimulationInvalid } from "./options.ts"
import { tellFailure, tellUnlike } from "./tell.ts"

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
  /** How many processes send commands at most, 64 and less, and how many commands each, 1,000 and less: 3 and 20 unless given. */
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
const SOON_MILLIS_MAX = 20

interface Timed {
  readonly waitMillis: number
  readonly command: Command
}
type Workload = ReadonlyArray<ReadonlyArray<Timed>>

/** What was covered. */
export interface Simulated extends Omit<Campaign, "broken"> {
  readonly seed: number
  /** How often clients heard each outcome: a law about answers says nothing where there were none. */
  readonly heard: ReadonlyMap<Heard["outcome"], number>
}

/**
 * Runs actors in a simulated cluster, on the unchanged runtime: several nodes, clients that send what `commands` draws, and
 * faults of every kind. Besides the laws given, every law of the runtime is checked: each message has its effect once, state
 * is what folding the journal gives, and so on.
 *
 * Returns what was covered. Throws `SimulationFailed` for the first run that breaks a law, made as small as could be, and
 * `SimulationInvalid` for options that make no sense, and for commands that no actor can take. Takes about 20
 * milliseconds a run, and leaves nothing running. The same options with the same seed do the same.
 */
export const simulate = (options: SimulateOptions): Simulated => {
  const checked = withDefaults(options)
  checkOptions(checked)
  const { runs, faults } = checked
  const seed = checked.seed ?? fc.sample(fc.nat(SEED_MAX - runs + 1), 1)[0]!
  const told = new Map<Heard["outcome"], number>()
  const experiment = experimentOf(
    options.commands,
    checked,
    ({ outcome }) => void told.set(outcome, (told.get(outcome) ?? 0) + 1)
  )
  const trial = makeTrial(experiment, { faults })
  let campaign = NO_RUNS
  for (let next = seed; next < seed + runs; next++) {
    const report = trial.run(next, trial.draw(next))
    campaign = joinCampaigns(campaign, campaignOf(report))
    if (report.breaches.length > 0) throw failed(trial, experiment, report)
  }
  const { broken: _, ...covered } = campaign
  return { ...covered, seed, heard: told }
}

/** The same run, smaller; or as it was, if it does not break the law each time. */
const failed = (trial: Trial<Workload>, { describe }: Experiment<Workload>, report: RunReport): SimulationFailed => {
  const { seed, breaches } = report
  const law = breaches[0]?.law ?? ""
  const smallest = trial.shrink(seed)
  const story: Array<string> = []
  const again = smallest === undefined ? [] : trial.run(seed, smallest, { trace: (line) => story.push(line) }).breaches
  if (smallest === undefined || again[0]?.law !== law) {
    return new SimulationFailed(tellUnlike(report), seed, law, describe(trial.draw(seed).workload))
  }
  const workload = describe(smallest.workload)
  return new SimulationFailed(tellFailure({ seed, smallest, workload, story }), seed, law, workload)
}

const withDefaults = (options: SimulateOptions) => ({
  actors: options.actors,
  always: options.always ?? [],
  laws: options.laws ?? {},
  runs: options.runs ?? RUNS,
  seed: options.seed,
  faults: options.faults ?? ALL_FAULTS,
  clientsMax: options.clientsMax ?? CLIENTS_MAX,
  commandsMax: options.commandsMax ?? COMMANDS_MAX
})

const experimentOf = (
  commands: fc.Arbitrary<Command>,
  { actors, always, laws, clientsMax, commandsMax }: ReturnType<typeof withDefaults>,
  hear: (heard: Heard) => void
): Experiment<Workload> => {
  const types = new Set(actors.map(({ type }) => type))
  if (!isArbitrary(commands)) throw new SimulationInvalid("commands", "it is no fast-check arbitrary")
  // Half of them come close together, where most defects are.
  const waitMillis = fc.oneof(fc.nat(SOON_MILLIS_MAX), fc.nat(WAIT_MILLIS_MAX))
  const timed = fc.record({ waitMillis, command: commands })
  const client = fc.array(timed, { maxLength: commandsMax, size: "max" })
  return {
    workload: fc.array(client, { minLength: 1, maxLength: clientsMax, size: "max" }),
    scenario: (workload, stage) => {
      const heard: Array<Heard> = []
      for (const plan of workload) for (const { command } of plan) checkCommand(command, actors)
      return {
        actors,
        clients: workload.map((plan, index) => clientOf(`c${index}`, plan, stage, heard)),
        always: (life) => breachOfInvariants(always, life),
        verdict: ({ lives }) => {
          for (const each of heard) {
            checkHeard(each.command, each.value)
            hear(each)
          }
          const ending = endingOf(types, lives, heard)
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

/** By what it can do: whoever calls may have another copy of fast-check, whose classes are others. */
const isArbitrary = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  ["generate", "shrink", "canShrinkWithoutContext"].every((name) => typeof Reflect.get(value, name) === "function")

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
