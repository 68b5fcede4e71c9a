export * from "./actor.ts"
export * from "./address.ts"
export * from "./archive.ts"
export { canonical } from "./canonical-json.ts"
export * from "./client.ts"
export * from "./controls.ts"
export { type DeadLetter, NoSuchLetter, NotRetryable } from "./dead-letters.ts"
export { type DropError, type DropOptions, type Dropped, NotHeld } from "./dropping.ts"
export { layerNode } from "./engine/node/layer.ts"
export { LocalNode, NodeBroken, type NodeOptions } from "./engine/node/profile.ts"
export type { Codecs, Compiled } from "./engine/step/compiled.ts"
export { seededRandom } from "./engine/step/random.ts"
export type { StepEntry } from "./engine/step/step-parts.ts"
export { compileUnlogged, UnloggedActor } from "./engine/step/unlogged-actor.ts"
export { type Envelope, parseEnvelope, parseReply, type ReplyEnvelope } from "./envelope.ts"
export * from "./errors.ts"
export { layerEventLog } from "./events/layer.ts"
export * from "./events/log.ts"
export * from "./events/reads.ts"
export {
  type InspectedRecord,
  type Inspection,
  type InspectOptions,
  NoSuchActor
} from "./inspection.ts"
export { type CommitRecord, parseRecord, type Snapshot, type StepRecord } from "./journal.ts"
export * from "./leases.ts"
export * from "./log.ts"
export { NESTED, NESTING_MAX, nestingFault } from "./nesting.ts"
export { type OmitUndefined, omitUndefined } from "./omit-undefined.ts"
export { layerNats, layerNatsClient, layerNatsOutside, layerOperators, layerOperatorsOutside } from "./on-nats.ts"
export * from "./operators.ts"
export {
  Callback,
  InvalidOption,
  kept,
  LogLevel,
  Namespace,
  NatsAddresses,
  oneOf,
  readOptions,
  Switch,
  Time,
  textOf,
  wholeBetween
} from "./options.ts"
export { type ActorSystem, ActorSystemClosed, type ActorSystemOptions, AskRefused, createSystem } from "./promises.ts"
export * from "./protocol.ts"
export { Recurring } from "./recurring.ts"
export type { Deviation, ReplayVerdict } from "./replay/check.ts"
export { type Difference, differenceOf } from "./replay/difference.ts"
export { effectsIn, type ReplayedEffect } from "./replay/effects.ts"
export { EXPORT_VERSION, type Exported, formatExport, InvalidExport, parseExport } from "./replay/export.ts"
export type { Recording } from "./replay/recording.ts"
export {
  type Replayed,
  type ReplayedMessage,
  type ReplayedStep,
  type ReplayFault,
  type ReplayOptions,
  type ReplayStart,
  type ReplaySummary,
  replay,
  summarize
} from "./replay/replay.ts"
export type { AskError, AskOptions, SendError, SendOptions } from "./sending.ts"
export * from "./step.ts"
export type { EventFields, StepBuilder } from "./step-builder.ts"
export * from "./supervision.ts"
export type { WaitingActor } from "./waiting.ts"
