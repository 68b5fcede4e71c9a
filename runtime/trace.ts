import { Effect, Tracer } from "effect"

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/

/**
 * Runs with the present span as a W3C `traceparent`, if there is one that is sampled. Looked up where the fiber keeps it:
 * `Effect.currentSpan` makes an error, with its stack, of there being none, which cost a seventh of a tell.
 */
export const withTrace = <A, E>(use: (trace: string | undefined) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.withFiber(({ cache: { span } }) =>
    use(span?._tag === "Span" && span.sampled ? `00-${span.traceId}-${span.spanId}-01` : undefined)
  )

/** The span that a `traceparent` names; nothing for what is none. */
export const parentOf = (trace: string | undefined): Tracer.ExternalSpan | undefined => {
  const [, traceId, spanId] = TRACEPARENT.exec(trace ?? "") ?? []
  return traceId === undefined || spanId === undefined
    ? undefined
    : Tracer.externalSpan({ traceId, spanId, sampled: true })
}
