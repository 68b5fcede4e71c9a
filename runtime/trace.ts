import { Effect, Option, Tracer } from "effect"

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/

/** Runs with the present span as a W3C `traceparent`, if there is one that is sampled. */
export const withTrace = <A, E>(use: (trace: string | undefined) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.option(Effect.currentSpan), (span) =>
    use(Option.isSome(span) && span.value.sampled ? `00-${span.value.traceId}-${span.value.spanId}-01` : undefined)
  )

/** The span that a `traceparent` names; nothing for what is none. */
export const parentOf = (trace: string | undefined): Tracer.ExternalSpan | undefined => {
  const [, traceId, spanId] = TRACEPARENT.exec(trace ?? "") ?? []
  return traceId === undefined || spanId === undefined
    ? undefined
    : Tracer.externalSpan({ traceId, spanId, sampled: true })
}
