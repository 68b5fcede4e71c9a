import { Schema } from "effect"
import { ModelErrorKind } from "../../protocols/index.ts"

/** A language model gave no answer that can be used. The kind says whether trying again can help. */
export class ModelError extends Schema.TaggedError<ModelError>()("ModelError", {
  kind: ModelErrorKind,
  detail: Schema.String,
  /** Milliseconds that the server asks to be left alone for. */
  retry_after_ms: Schema.optionalKey(Schema.Finite),
  /** The server refuses tools: the question may be answered without them. It is no fault of the model. */
  refuses_tools: Schema.optionalKey(Schema.Literal(true))
}) {
  override get message() {
    return this.detail
  }
}

/** What follows from a kind of failure. */
export interface Consequence {
  /** The same question may be answered if it is asked again. */
  readonly again: boolean
  /** It counts against the model: after so many in a row it is left alone for a while. */
  readonly trips: boolean
  /** The server may have worked, and wants to be paid, for an answer that did not come. */
  readonly lost: boolean
}

const none: Consequence = { again: false, trips: false, lost: false }

/** Each kind of failure and what follows from it; docs/MODELS.md shows the same table. */
export const CONSEQUENCES: { readonly [K in ModelErrorKind]: Consequence } = {
  refused: { again: true, trips: true, lost: false },
  rate_limited: { again: true, trips: true, lost: false },
  server_error: { again: true, trips: true, lost: false },
  timeout: { again: true, trips: true, lost: true },
  truncated: { again: true, trips: true, lost: true },
  malformed: { again: true, trips: true, lost: true },
  unauthorized: { again: false, trips: true, lost: false },
  rejected: { again: false, trips: true, lost: false },
  invalid_answer: none,
  circuit_open: none,
  // A request that was sent late is cut off at the deadline.
  out_of_time: { ...none, lost: true },
  not_configured: none,
  not_recorded: none,
  interrupted: { ...none, lost: true },
  defect: none
}
