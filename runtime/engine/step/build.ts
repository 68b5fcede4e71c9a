// A message becomes a step of values: what every host of actors has in common, whether it stores steps or not.
import type { Envelope } from "../../envelope.ts"
import { NewerVersion } from "../../errors.ts"
import type { ActorState } from "./actor-state.ts"
import type { Compiled } from "./compiled.ts"
import { inPart, StepFailure } from "./failure.ts"
import { type Decidable, type Delivered, StepContext } from "./step-context.ts"
import { addOperation, addStop, makeStepParts, type StepParts } from "./step-parts.ts"

/** What a message leads to against an actor's present state, which stays as it is. Throws a `StepFailure` or `NewerVersion`. */
export const buildStep = (compiled: Compiled, core: ActorState, mail: Delivered, envelope: Decidable): StepParts => {
  const step = new StepContext(mail, envelope)
  const parts = makeStepParts(compiled, mail.to, envelope, step, core)
  step.open(parts)
  const operations = handle(compiled, core, envelope, step)
  step.close()
  inPart("decide", () => {
    for (const operation of operations ?? []) addOperation(parts, operation)
    if (parts.stopped) addStop(parts)
  })
  return parts
}

/** A firing of a timer that was cancelled or set anew, or the outcome of an activity that is not open. */
export const isStale = (core: ActorState, envelope: Envelope): boolean => {
  if (envelope.kind === "timer") return core.timers.get(envelope.name) !== envelope.generation
  if (envelope.kind !== "outcome" || envelope.retried === true) return false
  return core.activities.get(envelope.key)?.generation !== envelope.generation
}

const handle = (compiled: Compiled, core: ActorState, envelope: Decidable, step: StepContext) =>
  envelope.kind === "outcome"
    ? handleOutcome(compiled, core, envelope, step)
    : handleMessage(compiled, core, envelope, step)

const handleOutcome = (
  compiled: Compiled,
  core: ActorState,
  { activity, key, result }: Extract<Envelope, { kind: "outcome" }>,
  step: StepContext
) => {
  const handler = compiled.definition.completed?.[activity]
  if (handler === undefined) {
    if (result._tag === "Failed") throw new StepFailure("activity", `${activity} failed: ${result.detail}`)
    throw new StepFailure("decode", `${compiled.type} takes no outcome of ${JSON.stringify(activity)}`)
  }
  const outcome =
    result._tag === "Succeeded"
      ? {
          _tag: result._tag,
          activity,
          key,
          value: inPart("decode", () => compiled.decodeOutput(activity, result.value))
        }
      : { ...result, activity, key }
  return inPart("decide", () => handler(core.state, outcome, step))
}

const handleMessage = (
  compiled: Compiled,
  core: ActorState,
  envelope: Extract<Envelope, { kind: "message" | "timer" }>,
  step: StepContext
) => {
  const { message, body, v = 1 } = envelope
  const known = compiled.protocolVersion
  if (v > known) throw new NewerVersion({ what: `${message} to ${compiled.type}`, version: v, known })
  const handler = compiled.definition.decide[message]
  const codec = compiled.messages.get(message)
  if (handler === undefined || codec === undefined) {
    throw new StepFailure("decode", `${compiled.type} has no message ${JSON.stringify(message)}`)
  }
  const payload = inPart("decode", () => codec.decode(body, v))
  return inPart("decide", () => handler(core.state, payload, step))
}
