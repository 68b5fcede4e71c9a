import { ConfigProvider, Context, Effect, Layer, Logger, ManagedRuntime, References, Schema } from "effect"
import { LogLevel } from "../runtime/index.ts"
import type { AgentSystemOptions } from "./options.ts"
import { RunningSystem } from "./running.ts"
import { printable } from "./running-errors.ts"
import { type AgentSystemService, startSystem } from "./service.ts"

/**
 * A whole system in this process: a NATS server of its own, or one that is there; the actors, and a gateway where one is wanted.
 *
 * @example
 * const system = await AgentSystem.initialize({ temporary: true })
 * console.log(await system.runRealTimeAnalysis({ symbol: "ACME", bars }))
 * await system.shutdown()
 */
export class AgentSystem extends Context.Service<AgentSystem, AgentSystemService>()("conclave/system/AgentSystem") {
  /** The system for as long as the layer lives, for programs that use Effect. It logs as they do. */
  static readonly layer = (options: AgentSystemOptions = {}): Layer.Layer<AgentSystem, Error> =>
    Layer.effect(AgentSystem, startSystem(options))

  /**
   * Starts a system and gives it as promises. It goes on until `shutdown`.
   *
   * Rejects with the error that kept it from starting, each with a sentence: `InvalidOption`, `NatsServerMissing`, `NatsServerFailed`,
   * `DataFolderInUse`, `ServerUnsuitable`, `PortTaken` … What had been started is stopped then.
   */
  static readonly initialize = async (options: AgentSystemOptions = {}): Promise<RunningSystem> => {
    const surroundings = Layer.mergeAll(
      // As the environment is now: a program may have set something since it began.
      ConfigProvider.layer(ConfigProvider.fromEnv()),
      Logger.layer([Logger.consolePretty()]),
      Layer.succeed(Logger.LogToStderr, true),
      // What cannot be used is refused where the system starts.
      Layer.succeed(References.MinimumLogLevel, Schema.is(LogLevel)(options?.log) ? options.log : "Warn")
    )
    const runtime = ManagedRuntime.make(Layer.provideMerge(AgentSystem.layer(options), surroundings))
    try {
      return new RunningSystem(await runtime.runPromise(Effect.service(AgentSystem)), runtime)
    } catch (error) {
      await runtime.dispose()
      throw printable(error)
    }
  }
}
