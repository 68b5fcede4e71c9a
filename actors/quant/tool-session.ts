import type { ToolCall } from "../../protocols/index.ts"
import type { AnyTool, Attempt, ToolInput } from "../tools/tool.ts"
import { record } from "../tools/use.ts"
import type { Reading } from "./readings.ts"

export interface ToolSessionOptions {
  readonly executionPrefix: string
  readonly now: () => number
  readonly unavailable: ReadonlySet<string>
}

/** A tool that was not used because it is unavailable, and which took its place, if one did. */
export interface RoutedAround {
  readonly tool: string
  readonly instead: string | null
}

/** Where one agent uses tools during one opinion. It keeps the calls, each tool once, and what was routed around. */
export interface ToolSession {
  /** A reading without which there is no view. */
  readonly need: <V>(reading: Reading<V>) => V | undefined
  /** A reading that a view can do without. */
  readonly want: <V>(reading: Reading<V>) => V | undefined
  readonly calls: ReadonlyArray<ToolCall>
  readonly routedAround: ReadonlyArray<RoutedAround>
  /** Whether a needed reading failed, though its tool is available. */
  readonly failed: () => boolean
}

export const openToolSession = (
  input: ToolInput,
  { executionPrefix, now, unavailable }: ToolSessionOptions
): ToolSession => {
  const calls: Array<ToolCall> = []
  const routedAround: Array<RoutedAround> = []
  let failed = false

  const idOf = ({ name }: AnyTool) => `${executionPrefix}.${name}`
  const isNew = (tool: AnyTool) => !calls.some((call) => call.tool_name === tool.name)
  const skip = (tool: AnyTool) => {
    if (isNew(tool)) calls.push(record(tool, unavailableOf(tool), {}, idOf(tool), 0))
  }
  const take = <V>(reading: Reading<V>) => {
    const at = reading.findIndex(({ tool }) => !unavailable.has(tool.name))
    const skipped = at === -1 ? reading : reading.slice(0, at)
    for (const { tool } of skipped) skip(tool)
    const chosen = reading[at]
    const first = skipped[0]
    if (first !== undefined) routedAround.push({ tool: first.tool.name, instead: chosen?.tool.name ?? null })
    if (chosen === undefined) return { asked: false, value: undefined }
    const startedAt = now()
    const { attempt, value } = chosen.ask(input)
    // A tool that already stood in for another measures again, and gives the same.
    if (isNew(chosen.tool)) {
      calls.push(record(chosen.tool, attempt, {}, idOf(chosen.tool), Math.max(0, now() - startedAt)))
    }
    return { asked: true, value }
  }
  return {
    need: (reading) => {
      const { asked, value } = take(reading)
      if (asked && value === undefined) failed = true
      return value
    },
    want: (reading) => take(reading).value,
    calls,
    routedAround,
    failed: () => failed
  }
}

const unavailableOf = ({ name }: AnyTool): Attempt<never> => ({
  _tag: "Failure",
  kind: "unavailable",
  message: `${name} is not used at present`
})
