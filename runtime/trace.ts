import { Effect, Option } from "effect"

/** Runs with the present span as a W3C `traceparent`, if there is one that is sampled. */
export const withTrace = <A, E>(use: (trace: string | undefined) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.option(Effect.currentSpan), (span) =>
    use(Option.isSome(span) && span.value.sampled ? `00-${span.value.traceId}-${span.value.spanId}-01` : undefined)
  )
