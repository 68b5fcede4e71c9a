// A circuit breaker and a bucket of tokens as pure state machines, as Effect's stores for both have them.
import { Schema } from "effect"
import { BreakerState, open } from "../../protocols/index.ts"

/** The breaker of what is under one key. Times are in milliseconds since 1970. */
export const Circuit = open({
  state: BreakerState,
  /** Fences requests: what was admitted under another one changes nothing. */
  generation: Schema.Int,
  /** Failures in a row. */
  streak: Schema.Int,
  openings: Schema.Int,
  open_until: Schema.Finite,
  open_ms: Schema.Finite,
  /** From then on the openings are forgotten. */
  reset_at: Schema.Finite,
  /** Until when a request that tries has it for itself; null where none does. */
  trying_until: Schema.NullOr(Schema.Finite)
})
export type Circuit = typeof Circuit.Type

export const closedCircuit: Circuit = {
  state: "closed",
  generation: 0,
  streak: 0,
  openings: 0,
  open_until: 0,
  open_ms: 0,
  reset_at: 0,
  trying_until: null
}

/** Longer than a request may take: whoever tries and is not heard of by then has died. */
export const TRYING_MILLIS = 150_000

export interface CircuitAdmission {
  readonly circuit: Circuit
  readonly admitted: boolean
  /** It made the breaker half open. */
  readonly tries: boolean
}

/** Whether a request may go now. */
export const admit = (circuit: Circuit, now: number): CircuitAdmission => {
  if (circuit.state === "closed") {
    const forgotten = circuit.openings > 0 && now >= circuit.reset_at
    return { circuit: forgotten ? { ...circuit, openings: 0 } : circuit, admitted: true, tries: false }
  }
  const held = circuit.state === "half_open" && circuit.trying_until !== null && now < circuit.trying_until
  if (held || (circuit.state === "open" && now < circuit.open_until)) return { circuit, admitted: false, tries: false }
  const { generation, state } = circuit
  const trying = { ...circuit, generation: generation + 1, trying_until: now + TRYING_MILLIS }
  return { circuit: { ...trying, state: "half_open" }, admitted: true, tries: state === "open" }
}

export interface Ended {
  readonly generation: number
  readonly outcome: "success" | "failure" | "ignored"
  /** So many failures in a row open it, for so long. */
  readonly failures: number
  readonly open_ms: number
}

/** The breaker after a request that was admitted has ended. */
export const record = (circuit: Circuit, { generation, outcome, failures, open_ms }: Ended, now: number): Circuit => {
  if (generation !== circuit.generation || circuit.state === "open") return circuit
  const opened: Circuit = {
    ...circuit,
    ...{ state: "open", generation: generation + 1, streak: 0, openings: circuit.openings + 1 },
    ...{ open_until: now + open_ms, open_ms, trying_until: null }
  }
  if (circuit.state === "half_open") {
    if (outcome === "ignored") return { ...circuit, trying_until: null }
    if (outcome === "failure") return opened
    return {
      ...circuit,
      ...{ state: "closed", generation: generation + 1, streak: 0, trying_until: null },
      reset_at: now + circuit.open_ms
    }
  }
  if (outcome === "ignored") return circuit
  const streak = outcome === "failure" ? circuit.streak + 1 : 0
  return streak >= failures ? opened : { ...circuit, streak }
}

/** What is left of a rate, and since when the next token comes. */
export const TokenBucket = open({ tokens: Schema.Finite, since: Schema.Finite })
export type TokenBucket = typeof TokenBucket.Type

export interface TokenBucketRule {
  readonly tokens: number
  readonly limit: number
  readonly refill_ms: number
}

/** Takes tokens, where there are so many; `remaining` is what would be left, below 0 where there are not. */
export const take = (known: TokenBucket | undefined, { tokens, limit, refill_ms }: TokenBucketRule, now: number) => {
  const { tokens: before, since } = known ?? { tokens: limit, since: now }
  const added = Math.max(0, Math.floor((now - since) / refill_ms))
  const filled = Math.min(limit, before + added)
  const from = filled >= limit ? now : since + added * refill_ms
  const remaining = filled - tokens
  const bucket: TokenBucket = { tokens: remaining < 0 ? filled : remaining, since: from }
  return { bucket, remaining, elapsed_ms: Math.max(0, now - from) }
}
