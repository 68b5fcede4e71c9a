import type { ToolUse } from "../../protocols/index.ts"
import { omitUndefined } from "../../runtime/index.ts"
import { ERROR_CHARACTERS_MAX } from "./errors.ts"
import type { Execution } from "./state.ts"

/** The largest window there may be: so many executions, each as long as can be, are less than a message of the log takes. */
export const EXECUTIONS_MAX = 800

/** What the features of one execution come to at most, in characters. */
const FEATURES_CHARACTERS_MAX = 400

/** An execution as the window keeps it: texts are cut, and characters that take more than a byte as JSON are gone. */
export const toExecution = (use: ToolUse, at: number): Execution =>
  omitUndefined({
    at,
    status: use.status,
    ms: use.execution_time_ms,
    kind: use.error_kind,
    error: use.error_message === undefined ? undefined : shortError(use.error_message),
    features: shortFeatures(use.features)
  })

/** Other scripts stay readable; what JSON has to escape does not stay. */
const shortError = (text: string): string =>
  text
    .slice(0, ERROR_CHARACTERS_MAX)
    .toWellFormed()
    .replace(/[\p{Cc}\\]/gu, " ")

/** In the order in which they were told, as many as there is room for. */
const shortFeatures = (features: ToolUse["features"]): Execution["features"] => {
  let left = FEATURES_CHARACTERS_MAX
  const kept: Array<readonly [string, string]> = []
  for (const [name, value] of Object.entries(features)) {
    left -= name.length + value.length
    if (left < 0) break
    kept.push([plain(name), plain(value)])
  }
  return Object.fromEntries(kept)
}

const plain = (text: string): string => text.replace(/[^ !#-[\]-~]/g, "_")
