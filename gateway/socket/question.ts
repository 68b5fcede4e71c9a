import type { ErrorData } from "../../protocols/index.ts"
import type { Grant } from "../auth/grant.ts"
import type { AnalysisProgress } from "../operations/progress.ts"
import type { OperationEntry, SocketRequest } from "../operations/table/index.ts"

/** An operation of the table, as a client asked for it. */
export interface AskOperation extends SocketRequest<unknown> {
  readonly op: string
  readonly id: string
  readonly operation: OperationEntry
}

/** What is asked, by whom, and who is told how far it has come. */
export interface Question {
  readonly asked: AskOperation
  readonly grant: Grant
  /** Where it comes from. */
  readonly address: string
  readonly tell: (progress: AnalysisProgress) => void
}

/** What came of asking: what the result holds besides, or why there is none. */
export type QuestionResult =
  | { readonly ok: true; readonly data: object }
  | ({ readonly ok: false } & Pick<ErrorData, "code" | "message" | "reason">)

/** How many questions of one client may be without an answer. */
export const ASKING_MAX = 32
