import type { Actor } from "../../runtime/index.ts"
import { SEED_MAX } from "../experiment.ts"
import { type Faults, faultRateFault } from "../world/faults.ts"
import type { Command } from "./command.ts"
import type { Invariant } from "./invariant.ts"

/** What `simulate` was asked for makes no sense: nothing was held to any law. The message names the option and its rule. */
export class SimulationInvalid extends Error {
  override readonly name = "SimulationInvalid"
  readonly option: string

  constructor(option: string, rule: string) {
    super(`simulate, option ${option}: ${rule}`)
    this.option = option
  }
}

/** What is checked before the first run. */
export interface Checked {
  readonly actors: ReadonlyArray<Actor>
  readonly always: ReadonlyArray<Invariant>
  readonly laws: Readonly<Record<string, unknown>>
  readonly runs: number
  readonly seed: number | undefined
  readonly faults: Faults
  readonly clientsMax: number
  readonly commandsMax: number
}

const CLIENTS_MAX = 64
const COMMANDS_MAX = 1_000

/** Throws `SimulationInvalid` for what makes no sense. */
export const checkOptions = ({ actors, always, laws, runs, seed, faults, clientsMax, commandsMax }: Checked): void => {
  if (actors.length === 0) throw new SimulationInvalid("actors", "at least one is simulated")
  const types = actors.map(({ type }) => type)
  const twice = types.find((type, index) => types.indexOf(type) !== index)
  if (twice !== undefined) throw new SimulationInvalid("actors", `${twice} is there twice`)
  for (const { law, type } of always) {
    if (!types.includes(type)) throw new SimulationInvalid("always", `${law}: ${type} is none of the actors`)
  }
  for (const [law, holds] of Object.entries(laws)) {
    if (typeof holds !== "function") throw new SimulationInvalid("laws", `${law} is no function`)
  }
  checkWhole("runs", runs, 1, SEED_MAX)
  if (seed !== undefined) checkWhole("seed", seed, 0, SEED_MAX - runs + 1)
  checkWhole("clientsMax", clientsMax, 1, CLIENTS_MAX)
  checkWhole("commandsMax", commandsMax, 1, COMMANDS_MAX)
  for (const [kind, rate] of faults) {
    const fault = faultRateFault(kind, rate)
    if (fault !== undefined) throw new SimulationInvalid("faults", fault)
  }
}

/** Throws `SimulationInvalid` for what was not made by `tell` or `ask`, or goes to nobody who could take it. */
export const checkCommand = (command: Command, actors: ReadonlyArray<Actor>): void => {
  if (typeof command !== "object" || command === null || !("protocol" in command)) {
    throw new SimulationInvalid("commands", `${JSON.stringify(command)} was not made by tell or ask`)
  }
  const { protocol, to, message } = command
  const actor = actors.find(({ type }) => type === protocol.type)
  const what = `${message} to ${to}`
  if (actor === undefined) {
    throw new SimulationInvalid("commands", `${what}: ${protocol.type} is none of the actors`)
  }
  const { version: sent = 1 } = protocol
  const { version: known = 1 } = actor.definition.protocol
  if (sent > known) {
    throw new SimulationInvalid("commands", `${what} is of version ${sent}, and the actor knows version ${known}`)
  }
}

/** Nothing of it reached anybody: a test that sends such a thing tests nothing. */
export const checkHeard = ({ kind, to, message, payload }: Command, error: unknown): void => {
  if (!(error instanceof Error) || !MISTAKES.has(error.name)) return
  throw new SimulationInvalid("commands", `${kind} ${to} ${message} ${JSON.stringify(payload)}: ${error.message}`)
}

const MISTAKES = new Set(["InvalidMessage", "InvalidAddress"])

const checkWhole = (option: string, value: number, low: number, high: number): void => {
  if (Number.isInteger(value) && value >= low && value <= high) return
  throw new SimulationInvalid(option, `${value} is no whole number from ${low} to ${high}`)
}
