import { Context, Effect, Exit, Option, Tracer } from "effect"
import { formatAddress } from "../../address.ts"
import { type Envelope, nameOf, parseEnvelope } from "../../envelope.ts"
import type { Mail } from "../../log.ts"
import { parentOf } from "../../trace.ts"

const NANOS_PER_MILLI = 1_000_000n

/**
 * Makes a span of a message that belongs to a trace, from when it was stored until its effects were.
 *
 * Nothing where the program has no tracer of its own: then no message is looked at.
 */
export const makeTracing = Effect.map(Effect.tracer, (tracer): ((mail: Mail, now: number) => void) | undefined =>
  tracer === Tracer.Tracer.defaultValue() ? undefined : (mail, now) => traceMail(tracer, mail, now)
)

const traceMail = (tracer: Tracer.Tracer, mail: Mail, now: number): void => {
  // Most messages belong to none, and are not worth reading twice.
  if (!mail.payload.includes('"trace":"')) return
  const envelope = readable(mail)
  const parent = parentOf(envelope?.trace)
  if (envelope === undefined || parent === undefined) return
  const span = tracer.span({
    name: `${mail.to.type}.${nameOf(envelope)}`,
    parent: Option.some(parent),
    annotations: Context.empty(),
    links: [],
    startTime: BigInt(mail.time) * NANOS_PER_MILLI,
    kind: "consumer",
    root: false,
    sampled: true
  })
  span.attribute("actor", formatAddress(mail.to))
  span.attribute("correlation", envelope.correlation)
  span.attribute("sequence", mail.sequence)
  span.end(BigInt(now) * NANOS_PER_MILLI, Exit.void)
}

const readable = (mail: Mail): Envelope | undefined => {
  try {
    return parseEnvelope(mail.payload)
  } catch {
    return undefined
  }
}
