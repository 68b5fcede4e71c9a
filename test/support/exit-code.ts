import { Console, Effect, Layer, References, type Scope } from "effect"

/** Runs a campaign of a seed, quietly, and leaves its exit code to the process. What it dies of counts as failed. */
export const exitWith = <E>(seed: number, campaign: Effect.Effect<number, E, Scope.Scope>): Effect.Effect<void> =>
  campaign.pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.as(Console.error(`FAILED with seed ${seed}:`, cause), 1)),
    Effect.map((code) => {
      process.exitCode = code
    }),
    Effect.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
  )

/** The first of what is wrong, and how to see it again. */
export const tellFailed = (complaints: ReadonlyArray<string>, again: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const complaint of complaints.slice(0, COMPLAINTS_TOLD)) yield* Console.error(complaint)
    yield* Console.error(`FAILED with ${complaints.length} complaints: ${again}`)
  })

const COMPLAINTS_TOLD = 50
