import { Context, type Effect, Layer } from "effect"
import type { AppendError } from "./errors.ts"
import type { Sendable } from "./log/entries.ts"
import type { LogHealth } from "./log/health.ts"
import type { Ids } from "./log/ids.ts"
import type { Messaging } from "./log/messaging.ts"
import type { LogStorage } from "./log/storage.ts"

export type { Entry, JournalRecord, Mail, PublishedEvent, Sendable } from "./log/entries.ts"
export type { LogHealth, LogStatus } from "./log/health.ts"
export type { Ids } from "./log/ids.ts"
export type { Messaging } from "./log/messaging.ts"
export type { LogLimits, LogStorage } from "./log/storage.ts"

/**
 * Where everything durable is: mailboxes, journals, timers, events. The runtime cannot tell which implementation it has.
 * Who needs a part of it names that part.
 *
 * Sequences are those of one stream: they grow with every entry stored, and order all entries.
 */
export class ActorLog extends Context.Service<ActorLog, LogStorage & Messaging & LogHealth & Ids>()(
  "conclave/runtime/ActorLog"
) {}

/**
 * What a process needs of the log that only talks to actors: part of `ActorLog`, or the same through nodes, for a process that may not
 * touch what is stored. Nothing in it tells which.
 */
export class ClientLog extends Context.Service<
  ClientLog,
  Ids &
    LogHealth &
    Pick<Messaging, "inbox" | "broadcasts" | "answers"> &
    Pick<LogStorage, "limits" | "watch"> & {
      /** As that of `ActorLog`, for what is sent from outside a step. Events may be refused to who is no node. */
      readonly append: (group: ReadonlyArray<Sendable>, id?: string) => Effect.Effect<number, AppendError>
    }
>()("conclave/runtime/ClientLog") {
  /** That of who may touch what is stored. */
  static readonly inside: Layer.Layer<ClientLog, never, ActorLog> = Layer.effect(this, ActorLog)
}
