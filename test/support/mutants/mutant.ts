/** A deliberate defect: a change of one place in the source. */
export interface Mutant {
  readonly defect: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** The laws of which one has to notice it. */
  readonly laws: RegExp
  /** Within how many runs it is to be noticed. */
  readonly within: number
  /** What goes wrong in these runs; everything, unless given. */
  readonly faults?: string
  /** Why it is not noticed, where it is not. */
  readonly survives?: string
}

/** A file of the engine. */
export const engine = (file: string): string => `runtime/engine/${file}.ts`
