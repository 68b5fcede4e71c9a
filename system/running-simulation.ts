import type { Effect } from "effect"
import type { MarketSimulationReport } from "../protocols/index.ts"
import type { MarketSimulation } from "./simulation.ts"

/** A simulated market that is fed to the system. */
export class RunningSimulation implements AsyncDisposable {
  readonly #simulation: MarketSimulation
  readonly #close: () => Promise<void>
  readonly #run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>

  constructor(
    simulation: MarketSimulation,
    close: () => Promise<void>,
    run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>
  ) {
    this.#simulation = simulation
    this.#close = close
    this.#run = run
  }

  /** How far it is now. */
  report(): MarketSimulationReport {
    return this.#simulation.report()
  }

  /** Waits until it has come to its last bar, or was stopped; rejects with `SystemBroken` where the system cannot go on before. */
  finished(): Promise<MarketSimulationReport> {
    return this.#run(this.#simulation.ended)
  }

  /** Stops it: once this resolves no more bar is sent. */
  async stop(): Promise<MarketSimulationReport> {
    await this.#close()
    return this.#simulation.report()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
