import type { ClientOperation, ErrorData } from "../../protocols/index.ts"
import type { Grant } from "../auth/grant.ts"

/** The operations that actors answer. */
export type AskOperation = Extract<
  ClientOperation,
  { readonly op: "analyze" | "request_consensus" | "vote" | "message" | "cancel" | "status" }
>

/** What is asked, by whom, and who is told how far it has come. */
export interface Question {
  readonly operation: AskOperation
  readonly grant: Grant
  /** Where it comes from. */
  readonly address: string
  readonly tell: (progress: AnalysisProgress) => void
}

/** What happened in an analysis, as its asker is told. */
export type AnalysisProgress = {
  readonly stage: "accepted" | "round_opened" | "vote" | "abstention" | "escalation"
  readonly [key: string]: unknown
}

/** What came of asking: what the result holds besides, or why there is none. */
export type QuestionResult =
  | { readonly ok: true; readonly data: { readonly [key: string]: unknown } }
  | ({ readonly ok: false } & Pick<ErrorData, "code" | "message" | "reason">)

/** How many questions of one client may be without an answer. */
export const ASKING_MAX = 32
