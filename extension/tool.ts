// A tool of one's own.
import type { Schema } from "effect"
import { defineTool as fullTool, type Tool, type ToolInput } from "../actors/index.ts"

/** A pure function of bars and past decisions, and what there is to know of it. */
export interface ToolSpec<P, R> {
  /** In snake_case, and not that of another tool. */
  readonly name: string
  /** What it says; read by people and given to models. */
  readonly about: string
  /** Every field has a default: `wholeNumber` and `number` make such. */
  readonly parameters: Schema.Codec<P, unknown>
  /** What it gives: finite numbers, texts, and structures of them. */
  readonly result: Schema.Codec<R, unknown>
  /** Its warm-up: how many bars the first reading takes; with fewer it is not called. */
  readonly needed: (parameters: P) => number
  /** The reading. What it throws is a defect of the tool, and counted as one. */
  readonly compute: (input: ToolInput, parameters: P) => R
  /** Where the formula is from; of one's own unless given. */
  readonly source?: string
  /** The warm-up in words; as `needed` says unless given. */
  readonly warmUp?: string
  /** Names of tools that can stand in for it, best first; none unless given. */
  readonly substitutes?: ReadonlyArray<string>
}

/** A tool of one's own. Throws where a parameter has no default. */
export const defineTool = <P, R>({
  source = "of one's own",
  warmUp = "as many bars as its parameters say",
  substitutes = [],
  ...tool
}: ToolSpec<P, R>): Tool<P, R> => fullTool({ ...tool, source, warmUp, substitutes })
